'use strict';
// The round of ../journey.py, for SDKs that only Node has. Prints what it saw as one JSON object.

const REGION = 'cn-hangzhou';
const ZONES = ['cn-hangzhou-k', 'cn-hangzhou-j'];
const UNKNOWN_GATEWAY = 'vpn-bp1aaaaaaaaaaaaaaaaaa';
const GATEWAYS = 3;
const PAGE_SIZE = 2;
const CUSTOMER = {
  IpAddress: '203.0.113.7',
  Name: 'office * ~ 办公室',
  Asn: '1.10',
  AuthKey: "k3y+/=&%*~()'",
  Tags: [{ Key: 'site', Value: 'north & 北' }],
};
const PATIENCE = 20_000;
const PAUSE = 20;

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE));

async function until(ask, enough) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (enough(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer)} after ${PATIENCE} ms`);
    await pause();
  }
}

// `sdk(secret)` gives a function (action, parameters) that resolves to the answer with the wire's names;
// `tell(error)` turns what it rejects with into {name, code, message, request_id, status}.
async function travel(sdk, tell) {
  const call = sdk('secret');
  const raised = [];

  async function failure(asking) {
    try {
      await asking;
    } catch (error) {
      const { name, ...said } = tell(error);
      raised.push({ name, code: said.code });
      return said;
    }
    return null;
  }

  async function refused(asking) {
    const said = await failure(asking);
    if (said === null) throw new Error('it succeeded');
    return said;
  }

  const describe = (gateway, by = call) => by('DescribeVpnGateway', { RegionId: REGION, VpnGatewayId: gateway });
  const seen = {};

  seen.regions = (await call('DescribeRegions', {})).Regions.Region.map((region) => region.RegionId);
  seen.vpc = (await call('CreateVpc', { RegionId: REGION, CidrBlock: '10.20.0.0/16', VpcName: 'from-an-sdk' })).VpcId;
  seen.vswitches = [];
  for (const [number, zone] of ZONES.entries()) {
    const { VSwitchId } = await call('CreateVSwitch', {
      RegionId: REGION, VpcId: seen.vpc, ZoneId: zone, CidrBlock: `10.20.${number}.0/24`,
    });
    await until(
      () => call('DescribeVSwitchAttributes', { RegionId: REGION, VSwitchId }),
      (answer) => answer.Status === 'Available',
    );
    seen.vswitches.push(VSwitchId);
  }

  seen.created = [];
  for (let number = 0; number < GATEWAYS; number += 1) {
    seen.created.push(await call('CreateVpnGateway', {
      RegionId: REGION,
      VpcId: seen.vpc,
      VSwitchId: seen.vswitches[0],
      DisasterRecoveryVSwitchId: seen.vswitches[1],
      Bandwidth: 10,
      EnableIpsec: true,
      EnableSsl: false,
      Name: `gateway-${number}`,
      ClientToken: `${seen.vpc}-${number}`,
    }));
  }
  seen.gateways = seen.created.map((answer) => answer.VpnGatewayId);
  seen.statuses = [];
  for (const gateway of seen.gateways) {
    seen.active = await until(() => describe(gateway), (answer) => {
      seen.statuses.push(answer.Status);
      return answer.Status === 'active';
    });
  }

  seen.pages = [];
  for (const number of [1, 2]) {
    seen.pages.push(await call('DescribeVpnGateways', {
      RegionId: REGION, VpcId: seen.vpc, PageNumber: number, PageSize: PAGE_SIZE,
    }));
  }

  const [first] = seen.gateways;
  seen.renamed = await call('ModifyVpnGatewayAttribute', {
    RegionId: REGION, VpnGatewayId: first, Name: 'renamed', Description: 'a (new) description * with ~ and 中文',
  });
  seen.propagating = await call('ModifyVpnGatewayAttribute', {
    RegionId: REGION, VpnGatewayId: first, AutoPropagate: true,
  });
  seen.settled = await until(() => describe(first), (answer) => answer.Status === 'active');

  const named = { RegionId: REGION, ResourceType: 'VpnGateWay', ResourceId: [first] };
  const given = [{ Key: 'team', Value: 'edge' }, { Key: 'env', Value: 'test & 测试' }];
  await call('TagResources', { ...named, Tag: given });
  seen.tags = { described: (await describe(first)).Tags.Tag };
  seen.tags.listed = (await call('ListTagResources', named)).TagResources.TagResource;
  seen.tags.filtered = (await call('DescribeVpnGateways', { RegionId: REGION, Tag: given }))
    .VpnGateways.VpnGateway.map((gateway) => gateway.VpnGatewayId);
  await call('UnTagResources', { ...named, TagKey: ['env'] });
  seen.tags.left = (await describe(first)).Tags.Tag;

  const ends = [];
  for (const number of [1, 2]) {
    ends.push((await call('CreateCustomerGateway', {
      RegionId: REGION, IpAddress: `203.0.113.${number}`, Asn: '65001',
    })).CustomerGatewayId);
  }
  const { VpnConnectionId } = await call('CreateVpnConnection', {
    RegionId: REGION,
    VpnGatewayId: first,
    LocalSubnet: '10.20.0.0/16',
    RemoteSubnet: '192.168.0.0/16',
    EffectImmediately: true,
    EnableTunnelsBgp: true,
    AutoConfigRoute: false,
    TunnelOptionsSpecification: ['slave', 'master'].map((role, number) => ({
      Role: role,
      CustomerGatewayId: ends[number],
      EnableDpd: false,
      TunnelIkeConfig: { Psk: `of-the-${role}`, IkeVersion: 'ikev2', IkeLifetime: 3600 },
      TunnelBgpConfig: { LocalAsn: 65100, TunnelCidr: `169.254.${10 + number}.0/30` },
    })),
  });
  const connection = { RegionId: REGION, VpnConnectionId };
  seen.connection = await until(
    () => call('DescribeVpnConnection', connection),
    (answer) => answer.State === 'active',
  );
  const diagnosis = await call('DiagnoseVpnConnections', { RegionId: REGION, VpnConnectionIds: [VpnConnectionId] });
  const { DiagnoseId } = await call('DiagnoseVpnGateway', {
    RegionId: REGION,
    VpnGatewayId: seen.connection.VpnGatewayId,
    ResourceType: 'IPsec',
    ResourceId: VpnConnectionId,
  });
  seen.connection.Diagnosis = await call('GetVpnGatewayDiagnoseResult', { RegionId: REGION, DiagnoseId });
  seen.connection.Findings = diagnosis.VpnConnections.map((each) => each.FailedReasonCode);
  await call('DeleteVpnConnection', connection);
  for (const CustomerGatewayId of ends) {
    await call('DeleteCustomerGateway', { RegionId: REGION, CustomerGatewayId });
  }
  seen.zones = (await call('DescribeVpnGatewayAvailableZones', { RegionId: REGION, Spec: '10M' })).AvailableZoneIdList;

  const made = await call('CreateCustomerGateway', { RegionId: REGION, ...CUSTOMER });
  const which = { RegionId: REGION, CustomerGatewayId: made.CustomerGatewayId };
  seen.customer = {
    made,
    again: await refused(call('CreateCustomerGateway', { RegionId: REGION, IpAddress: CUSTOMER.IpAddress })),
    described: await call('DescribeCustomerGateway', which),
    listed: (await call('DescribeCustomerGateways', { RegionId: REGION, Tag: CUSTOMER.Tags }))
      .CustomerGateways.CustomerGateway.map((found) => found.CustomerGatewayId),
    renamed: await call('ModifyCustomerGatewayAttribute', { ...which, Name: 'renamed', Description: 'a device, 设备' }),
  };
  await call('DeleteCustomerGateway', which);
  seen.customer.gone = await refused(call('DescribeCustomerGateway', which));
  seen.customer.bgp = (await call('CheckVpnBgpEnabled', { RegionId: REGION })).BgpEnabled;

  seen.errors = {
    unknown: await refused(describe(UNKNOWN_GATEWAY)),
    missing: await refused(call('CreateVpnGateway', { RegionId: REGION, Bandwidth: 10 })),
    secret: await refused(describe(UNKNOWN_GATEWAY, sdk('another'))),
  };

  for (const gateway of seen.gateways) {
    await call('DeleteVpnGateway', { RegionId: REGION, VpnGatewayId: gateway });
  }
  seen.gone = [];
  for (const gateway of seen.gateways) {
    seen.gone.push(await until(() => failure(describe(gateway)), (said) => said !== null));
  }
  for (const vswitch of seen.vswitches) {
    await call('DeleteVSwitch', { RegionId: REGION, VSwitchId: vswitch });
  }
  await until(
    () => call('DescribeVSwitches', { RegionId: REGION, VpcId: seen.vpc }),
    (answer) => answer.TotalCount === 0,
  );
  await call('DeleteVpc', { RegionId: REGION, VpcId: seen.vpc });
  seen.left = (await call('DescribeVpcs', { RegionId: REGION, VpcId: seen.vpc })).TotalCount;
  return { ...seen, raised };
}

module.exports = function run(sdk, tell) {
  travel(sdk, tell).then(
    (seen) => process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0)),
    (error) => {
      console.error(error);
      process.exit(1);
    },
  );
};
