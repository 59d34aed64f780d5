"""What the OpenAPI document cannot say about the REST API, for schemathesis."""

import uuid

import schemathesis

# Refusals of what the document allows: the document and the server would disagree.
SYNTAX = {"json-syntax", "duplicate-key", "json-too-deep", "parameter-invalid", "unsupported-media-type"}


def negative(case, location):
    """Whether this part of the request was made wrong on purpose."""
    for name, component in case.meta.components.items() if case.meta else ():
        if str(name.value).lower() == location and component.mode.is_negative:
            return True
    return False


@schemathesis.hook
def before_call(context, case, kwargs):
    """Values that only the server can hand out are replaced by such ones."""
    headers = case.headers or {}
    if not negative(case, "header"):
        if "Idempotency-Key" in headers:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        if "If-Match" in headers:
            headers["If-Match"] = "*"
    if case.query and "cursor" in case.query and not negative(case, "query"):
        del case.query["cursor"]


@schemathesis.check
def what_the_document_allows_is_read(ctx, response, case):
    """A request as the document describes it may be refused for what it means, never for its form."""
    if not case.meta or case.meta.generation.mode.is_negative or response.status_code != 400:
        return
    problem = response.json()
    unread = problem["code"] in SYNTAX or "does not fit" in problem["detail"]
    assert not unread, f"the document allows what is refused: {problem['code']}: {problem['detail']}"


@schemathesis.check
def refusals_are_problems(ctx, response, case):
    """Every refusal is a problem of its own status with a stable code, a remedy and the id of the request."""
    if response.status_code < 400:
        return
    if response.status_code in (414, 431) and not response.content:
        # The line of the request or its head was too long to be read: nothing of ours has seen it.
        return
    problem = response.json()
    assert problem["status"] == response.status_code, problem
    assert problem["type"] == f"/docs/errors/{problem['code']}", problem
    assert problem["remedy"] and problem["title"] and problem["detail"], problem
    assert problem["request_id"] == response.headers["x-request-id"][0], problem
