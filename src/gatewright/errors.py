"""The errors that callers see.

::

    ApiError                 status, code and documented message; becomes the body of a 4xx or 5xx answer
    DatabaseAway             the database cannot be reached
    ConfigurationError       what an operator wrote in settings, environment or on the command line is wrong

A documented error is declared once, as a :class:`ErrorRow` beside the operation whose documentation lists it (the
same code has other texts and statuses elsewhere), and raised by calling the row::

    VPC_NOT_FOUND = ErrorRow(400, "InvalidVpcId.NotFound", "The specified VPC id does not exist in our records.")
    raise VPC_NOT_FOUND("VpcId", vpc_id, "names a VPC of this account and region")
"""

from __future__ import annotations

from dataclasses import dataclass, field


class ApiError(Exception):
    """An answer other than success.

    ``message`` is the documented text to the letter. ``detail`` is a sentence of ours that names parameter, value
    and rule.
    """

    def __init__(self, status: int, code: str, message: str, detail: str = "") -> None:
        super().__init__(f"{status} {code}: {detail or message}")
        self.status = status
        self.code = code
        self.message = message
        self.detail = detail
        #: When the same call may succeed, milliseconds from now: what a throttled client is told.
        self.retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of an error table: HTTP status, code, and the documented message."""

    status: int
    code: str
    message: str
    #: What to do about it, for the errors page.
    advice: str = field(default="", compare=False)

    def __call__(self, parameter: str, value: object, rule: str) -> ApiError:
        """The error for one request: the parameter that broke the rule, its value, and the rule.

        A message that has one ``%s`` tells the value there.
        """
        error = self.because(f"{parameter} {shown(value)}: {rule}")
        if self.message.count("%s") == 1:
            error.message = self.message.replace("%s", str(value)[:_LONGEST_IN_A_MESSAGE])
        return error

    def because(self, sentence: str) -> ApiError:
        """The error for one request, with a whole sentence as its detail."""
        return ApiError(self.status, self.code, self.message, sentence)


#: Characters of a value that stands in a documented message.
_LONGEST_IN_A_MESSAGE = 200
#: What stands for a secret where others would be told a value.
HIDDEN = "***"


def shown(value: object, limit: int = 200) -> str:
    """A value as it is echoed in a detail: quoted, and cut when it is long."""
    text = str(value)
    return f'"{text}"' if len(text) <= limit else f'"{text[:limit]}…" ({len(text)} characters)'


class ConfigurationError(Exception):
    """Settings that cannot be served with. The text is one line for the operator."""


#: Exit statuses: settings that cannot be served with, and something that may work later (EX_TEMPFAIL of sysexits.h).
MISCONFIGURED = 2
TEMPORARY = 75


class DatabaseAway(ConfigurationError):
    """The database cannot be reached. At a first start the URL may be wrong; later it is the database's trouble."""


def missing_parameter(name: str) -> ApiError:
    """A required parameter is absent or empty: ``Missing<Name>``, the API gateway's own check."""
    # Of "Tag.2.Key" the code is MissingTagKey: it tells neither dots nor numbers.
    return ApiError(
        400,
        "Missing" + "".join(part for part in name.split(".") if not part.isdigit()),
        f"{name} is mandatory for this action.",
        f"{name} is absent or empty, and this operation requires it.",
    )


def invalid_parameter(name: str, value: object, rule: str) -> ApiError:
    """A value that breaks a rule for which the operation documents no code of its own."""
    return ApiError(
        400,
        "InvalidParameter",
        f'The specified parameter "{name}" is not valid.',
        f"{name} {shown(value)}: {rule}",
    )


ACTION_NOT_FOUND = ErrorRow(
    404,
    "InvalidAction.NotFound",
    "Specified api is not found, please check your url and method.",
    "Check the spelling of Action, and the API coverage page for what is served.",
)
INVALID_VERSION = ErrorRow(
    400,
    "InvalidVersion",
    "Specified parameter Version is not valid.",
    "VPC operations have Version 2016-04-28.",
)
INVALID_FORMAT = ErrorRow(400, "InvalidParameter.Format", "Specified parameter format is not valid.", "JSON or XML.")
ACCESS_KEY_NOT_FOUND = ErrorRow(
    404,
    "InvalidAccessKeyId.NotFound",
    "Specified access key is not found.",
    "Check the AccessKeyId; the first one is printed once when the service first starts.",
)
INCOMPLETE_SIGNATURE = ErrorRow(
    400,
    "IncompleteSignature",
    "The request signature does not conform to Aliyun standards.",
    "A signature's part is missing or of a form that is not served; use HMAC-SHA1 (V1) or ACS3-HMAC-SHA256 (V3).",
)
TIMESTAMP_FORMAT = ErrorRow(
    400,
    "InvalidTimeStamp.Format",
    "Specified time stamp or date value is not well formatted.",
    "Write the time as 2026-11-23T08:00:00Z, in UTC.",
)
TIMESTAMP_EXPIRED = ErrorRow(
    400,
    "InvalidTimeStamp.Expired",
    "Specified time stamp or date value is expired.",
    "Set the clock of client and server; they may differ by 15 minutes.",
)
NONCE_USED = ErrorRow(
    400,
    "SignatureNonceUsed",
    "Specified signature nonce was used already.",
    "Sign every request anew, with a nonce of its own; never send the same signed request twice.",
)
UNSUPPORTED_METHOD = ErrorRow(
    400, "UnsupportedHTTPMethod", "This http method is not supported.", "Send GET or POST to the path /."
)
NEED_SSL = ErrorRow(
    404,
    "InvalidProtocol.NeedSsl",
    "Your request is denied as lack of ssl protect.",
    "The service speaks HTTPS at this address: write https://, and name the authority of its certificate.",
)
THROTTLED = ErrorRow(
    400,
    "Throttling.User",
    "Request was denied due to user flow control.",
    "Wait as long as the header x-acs-retry-after says (milliseconds), or start with --throttling off.",
)
REGION_NOT_FOUND = ErrorRow(
    404,
    "InvalidRegionId.NotFound",
    "The specified region is not found during access authentication.",
    "DescribeRegions lists the regions.",
)
UNSUPPORTED_OPERATION = ErrorRow(
    400,
    "UnsupportedOperation",
    "The specified operation is not supported.",
    "The detail names a parameter that Gatewright does not serve yet; leave it out.",
)
IDEMPOTENT_MISMATCH = ErrorRow(
    400,
    "IdempotentParameterMismatch",
    "The request uses the same client token as a previous, but non-identical request.",
    "Use a new ClientToken for a new request, and the same one only to repeat a request as it was.",
)
DRY_RUN = ErrorRow(
    400,
    "DryRunOperation",
    "Request validation has been passed with DryRun flag set.",
    "This is the success of a dry run. Nothing was changed.",
)
SERVICE_UNAVAILABLE = ErrorRow(
    503,
    "ServiceUnavailable",
    "The request has failed due to a temporary failure of the server.",
    "The service is shutting down or its database does not answer; try again.",
)
INTERNAL_ERROR = ErrorRow(
    500,
    "InternalError",
    "The request processing has failed due to some unknown error, exception or failure.",
    "A fault of Gatewright: report it with the request id and the server's log.",
)

SIGNATURE_MISMATCH_V1 = "Specified signature is not matched with our calculation. server string to sign is:"
SIGNATURE_MISMATCH_V3 = (
    "Specified signature does not match our calculation. server StringToSign is [{}] server CanonicalRequest is [{}]"
)

#: The rows above: errors that any operation may answer with, before it is looked at.
GATEWAY_ROWS = (
    ACTION_NOT_FOUND,
    INVALID_VERSION,
    INVALID_FORMAT,
    ACCESS_KEY_NOT_FOUND,
    INCOMPLETE_SIGNATURE,
    TIMESTAMP_FORMAT,
    TIMESTAMP_EXPIRED,
    NONCE_USED,
    UNSUPPORTED_METHOD,
    NEED_SSL,
    THROTTLED,
    REGION_NOT_FOUND,
    UNSUPPORTED_OPERATION,
    IDEMPOTENT_MISMATCH,
    DRY_RUN,
    SERVICE_UNAVAILABLE,
    INTERNAL_ERROR,
)


#: Characters of what was signed that an answer echoes: several times a real request's, and no megabytes.
LONGEST_ECHO = 65_536


def signature_mismatch(message: str, detail: str) -> ApiError:
    """The signature is not ours. The message echoes what was signed: clients compare it with their own string."""
    if len(message) > LONGEST_ECHO:
        message = message[:LONGEST_ECHO] + "…"
    return ApiError(400, "SignatureDoesNotMatch", message, detail)
