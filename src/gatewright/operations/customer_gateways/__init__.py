"""Customer gateways: what is registered of a customer's device. One module an operation, or two that describe."""

from gatewright.operations.customer_gateways.create import CreateCustomerGateway
from gatewright.operations.customer_gateways.delete import DeleteCustomerGateway
from gatewright.operations.customer_gateways.describe import DescribeCustomerGateway, DescribeCustomerGateways
from gatewright.operations.customer_gateways.modify import ModifyCustomerGatewayAttribute

OPERATIONS = (
    CreateCustomerGateway,
    DescribeCustomerGateway,
    DescribeCustomerGateways,
    ModifyCustomerGatewayAttribute,
    DeleteCustomerGateway,
)
