"""Answers of AWS that its own model does not allow, with the source that shows them.

Neighbours: `sent`, `answered` and `provoked` leave them out; a line that no answer needs any more fails there.
"""

# (operation, what the check says): the document.
AGAINST_THE_MODEL = {
    ("GetParameters", "InvalidParameters: 0 items, fewer than 1"): (
        'Systems Manager API reference, GetParameters, sample response: "InvalidParameters": []'
    ),
}
# Errors that the model does not list for the operation.
UNLISTED = {
    ("UpdateCapacityProvider", "UpdateInProgressException"): (
        "Terraform's AWS provider, which is tested against AWS, tries the update again on it (capacity_provider.go)"
    ),
}
AGAINST_THE_MODEL |= {(operation, f"(answer): {operation} has no error {code}"): source for (operation, code), source in UNLISTED.items()}


def said_of_answers(read):
    """What is wrong with an answer, without what AWS does as well."""
    return [what for what in read.about_answer if (read.operation, what) not in AGAINST_THE_MODEL]
