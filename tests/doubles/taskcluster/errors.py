"""The errors of Taskcluster's services: one exception, one table of statuses."""

STATUS = {
    "MalformedPayload": 400,
    "InvalidRequestArguments": 400,
    "InputValidationError": 400,
    "InputError": 400,
    "AuthenticationFailed": 401,
    "InsufficientScopes": 403,
    "ResourceNotFound": 404,
    "RequestConflict": 409,
    "ResourceExpired": 410,
    "InputTooLarge": 413,
    "InternalServerError": 500,
}


class ApiError(Exception):
    """A call is refused with one of Taskcluster's codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        return STATUS[self.code]


def not_found(message: str) -> ApiError:
    return ApiError("ResourceNotFound", message)


def conflict(message: str) -> ApiError:
    return ApiError("RequestConflict", message)


def input_error(message: str) -> ApiError:
    return ApiError("InputError", message)


def internal(incident: str) -> ApiError:
    return ApiError("InternalServerError", f"Internal Server Error, incidentId {incident}.")
