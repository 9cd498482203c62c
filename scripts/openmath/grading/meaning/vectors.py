r"""Vectors and matrices written as sums, multiples and transposes: p + t q, 3\hat{i} - \hat{j}, (1, 2)^T, [[1, 2], [3, 4]]."""

UNIT_VECTOR = "\\unitvector_"  # clean.py writes \hat{i} and \mathbf{i} so
_TRANSPOSED = (("sym", "T"), ("sym", "\\top"), ("sym", "\\intercal"))


def as_matrix(tree: tuple) -> tuple | None:
    """The tree of the same as one matrix of formulas; None of what is none."""
    tag = tree[0]
    if tag == "matrix":
        return tree
    if tag == "group":
        return _rows_in_brackets(tree)
    if tag == "pow" and tree[2] in _TRANSPOSED:
        inner = as_matrix(tree[1])
        if inner is None and tree[1][0] == "group" and tree[1][1] in ("()", "[]"):
            inner = ("matrix", (tree[1][2],))
        return None if inner is None else ("matrix", tuple(zip(*inner[1], strict=True)))
    if tag == "add":
        matrices = [as_matrix(term) for term in tree[1]]
        if matrices[0] is None:
            return _of_unit_vectors(tree[1])
        if any(matrix is None or _shape(matrix) != _shape(matrices[0]) for matrix in matrices):
            return None
        cells = zip(*(_cells(matrix) for matrix in matrices if matrix), strict=True)
        return _shaped(matrices[0], [("add", terms) for terms in cells])
    if tag == "neg":
        inner = as_matrix(tree[1])
        return None if inner is None else _shaped(inner, [("neg", cell) for cell in _cells(inner)])
    if tag == "mul":
        for factor, other in (tree[1:], tree[:0:-1]):
            inner = as_matrix(other)
            if inner is not None and as_matrix(factor) is None:
                return _shaped(inner, [("mul", factor, cell) for cell in _cells(inner)])
    if tag == "div":
        inner = as_matrix(tree[1])
        return None if inner is None else _shaped(inner, [("div", cell, tree[2]) for cell in _cells(inner)])
    return None


def _shape(matrix: tuple) -> tuple[int, int]:
    return len(matrix[1]), len(matrix[1][0])


def _cells(matrix: tuple) -> list[tuple]:
    return [cell for row in matrix[1] for cell in row]


def _shaped(like: tuple, cells: list[tuple]) -> tuple:
    width = len(like[1][0])
    return ("matrix", tuple(tuple(cells[start : start + width]) for start in range(0, len(cells), width)))


def _rows_in_brackets(tree: tuple) -> tuple | None:
    """[[1, 2], [3, 4]]"""
    rows = tree[2]
    if tree[1] != "[]" or any(row[0] != "group" or row[1] != "[]" or len(row[2]) != len(rows[0][2]) for row in rows):
        return None
    return ("matrix", tuple(row[2] for row in rows))


def _of_unit_vectors(terms: tuple) -> tuple | None:
    """The column of 3i - 4j + k."""
    parts: dict[str, list[tuple]] = {}
    for term in terms:
        found = _component(term)
        if found is None:
            return None
        parts.setdefault(found[0], []).append(found[1])
    names = "ijk" if "k" in parts else "ij"
    return ("matrix", tuple((("add", tuple(parts.get(name, [("num", "0")]))),) for name in names))


def _component(term: tuple) -> tuple[str, tuple] | None:
    """(i, the coefficient) of a term with one unit vector."""
    tag = term[0]
    if tag == "sym" and term[1].startswith(UNIT_VECTOR):
        return term[1].removeprefix(UNIT_VECTOR), ("num", "1")
    if tag == "neg":
        found = _component(term[1])
        return found and (found[0], ("neg", found[1]))
    if tag == "mul":
        found = _component(term[2])
        return found and (found[0], ("mul", term[1], found[1]))
    return None
