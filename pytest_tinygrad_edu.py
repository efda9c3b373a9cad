"""pytest's plugin: of a failing gradient test it shows the message, and no lines of this library.

pytest loads it in every session of everybody who has the package, so it stands outside of it, where it loads neither the
package nor NumPy.
"""

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what a gradient test found in the place of a traceback."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    of_ours = hasattr(getattr(item, "obj", None), "gradient_test")
    if of_ours and isinstance(error, AssertionError) and type(*error.args[:1] or (None,)).__name__ == "Agreement":
        report.longrepr = call.excinfo.getrepr(style="value")
        for note in getattr(error, "__notes__", []):
            report.sections.append(("inputs", note))
    return report
