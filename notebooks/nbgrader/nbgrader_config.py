"""nbgrader's settings for a course of Rust notebooks: what differs from Python, and why.

It is copied into the course's folder by `make_course.py` and read by every `nbgrader` command there. It knows nothing of
single lessons: what a learner finds in a cell stands in that cell's metadata.
"""

from nbgrader.converters.generate_assignment import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

c = get_config()  # noqa: F821  (traitlets provides it)

c.CourseDirectory.course_id = "kissaten"


# --- What learners find in the cells that they write in ---


class LessonStubs(ClearSolutions):
    """Puts a cell's own stub in place of its solution, where it has one.

    `ClearSolutions` knows one stub for each language. That does for Python, which looks at a cell only when it runs; in
    Rust a signature without a body, or a `let` that is gone, is an error of the compiler and hides what the learner
    did. So the lessons bring, as `kissaten.stub` in the cell's metadata, a stub that compiles and runs; only what stands
    between the two delimiters is replaced by it. Without one there is `code_stub`, below.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        common = self.code_stub
        stub = cell.metadata.pop("kissaten", {}).get("stub")
        if stub is not None:
            self.code_stub = {**common, resources["language"]: stub}
        try:
            return super().preprocess_cell(cell, resources, cell_index)
        finally:
            self.code_stub = common


c.GenerateAssignment.preprocessors = [
    LessonStubs if step is ClearSolutions else step for step in GenerateAssignment.class_traits()["preprocessors"].default()
]

# nbgrader has no stub for Rust, and refuses a notebook in a language that it has none for. The language is the
# kernelspec's, in lower case. `todo!();` fits wherever statements do: it is of any type, also as the end of a function.
# Its semicolon lets more lines follow.
c.ClearSolutions.code_stub = {"rust": "// ✍️ your code here\ntodo!();"}

# The defaults lack the comment marks, so that a mere mention of the words would count as the beginning of a region.
c.ClearSolutions.begin_solution_delimeter = "// BEGIN SOLUTION"
c.ClearSolutions.end_solution_delimeter = "// END SOLUTION"
c.ClearHiddenTests.begin_test_delimeter = "// BEGIN HIDDEN TESTS"
c.ClearHiddenTests.end_test_delimeter = "// END HIDDEN TESTS"
# A mark scheme stands in a Markdown cell for manual grading, where `//` is nothing special, and HTML's comment hides it.
c.ClearMarkScheme.begin_mark_scheme_delimeter = "<!-- BEGIN MARK SCHEME -->"
c.ClearMarkScheme.end_mark_scheme_delimeter = "<!-- END MARK SCHEME -->"


# --- How submissions run ---

# Seconds for one cell. nbgrader's 30 are less than what a `:dep` takes that nobody built before (`kissaten prebuild`
# does it beforehand), or the first cell after a new rustc. A cell that never ends is interrupted after that time: it
# gets no points, keeps its variables, and the cells after it run.
c.Execute.timeout = 300
c.Execute.interrupt_on_timeout = True
# The kernel is ready in a fraction of a second; this is for a machine on which a whole class is graded at once.
c.Execute.startup_timeout = 120

# Which kernel runs a submission is told by the lesson: its kernelspec is kept in the gradebook and put back into what
# learners send. So a notebook that was saved with another kernel (as Colab's fallback to Python does) runs with ours.

# A check cell that a learner deleted comes back, in place, and so counts. nbgrader writes `# ` and these words above
# its code, which is a comment in Python. In Rust it becomes an attribute that does nothing, and then a comment.
c.OverwriteCells.add_missing_cells = True
c.OverwriteCells.missing_cell_notification = "![allow(unused)] // {cell_id} was missing from the submission; nbgrader put it back.\n"
