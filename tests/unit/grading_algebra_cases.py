"""Pairs that exact arithmetic and intervals leave open: (kind, answer, reference, equal?). docs/grading.md names the kinds."""

ALGEBRA = [
    ("integral", r"\int_0^1 x^2\,dx", r"\frac13", True),
    ("integral", r"\int_0^1 x^2\,dx", r"\frac14", False),
    ("integral", r"\int_0^\pi \sin x\,\mathrm{d}x", "2", True),
    ("integral", r"\int_1^e \frac{dx}{x}", "1", True),
    ("integral", r"\int_0^a x\,dx", r"\frac{a^2}{2}", True),
    ("integral", r"\int_0^\infty e^{-x^2}\,dx", r"\frac{\sqrt{\pi}}{2}", True),
    ("integral", r"\int 2x\,dx", "x^2 + C", True),
    ("integral", r"\int 2x\,dx", "x^2", False),
    ("derivative", r"\frac{d}{dx} x^2", "2x", True),
    ("derivative", r"\frac{d}{dx} x^2", "x", False),
    ("derivative", r"\frac{d^2}{dx^2} x^3", "6x", True),
    ("derivative", r"\frac{\partial}{\partial x}(x^2 y)", "2xy", True),
    ("sum", r"\sum_{k=1}^\infty \frac{1}{k(k+1)}", "1", True),
    ("sum", r"\sum_{k=1}^n k 2^k", r"(n-1)2^{n+1} + 2", True),
    ("sum", r"\sum_{k=1}^n k 2^k", r"(n-1)2^{n+1} + 1", False),
    ("product", r"\prod_{k=1}^n k", "n!", True),
    ("limit", r"\lim_{x\to\infty} \frac{\ln x}{x}", "0", True),
    ("limit", r"\lim_{x\to\infty} \frac{\ln x}{x}", "1", False),
    ("limit", r"\lim_{x\to 0} \frac{|x|}{x}", "1", False),
    ("inequality", "x^2 < 4", "(-2, 2)", True),
    ("inequality", "x^2 < 4", "-2 < x < 2", True),
    ("inequality", "x^2 < 4", "[-2, 2]", False),
    ("inequality", r"x^2 - 5x + 6 > 0", r"(-\infty, 2) \cup (3, \infty)", True),
    ("inequality", r"\frac{x-1}{x+2} \ge 0", r"x < -2 \text{ or } x \ge 1", True),
    ("inequality", r"|x-1| + |x+1| < 4", "(-2, 2)", True),
    ("inequality", "a^2 < a", r"a^2 < a < \frac1a", False),
    ("family", r"x = \frac{\pi}{4}+k\pi, k\in\mathbb{Z}", r"x = \frac{5\pi}{4}+n\pi, n\in\mathbb{Z}", True),
    ("family", r"\frac{\pi}{4}+k\pi, k\in\mathbb{Z}", r"\frac{\pi}{4}+2k\pi, k\in\mathbb{Z}", False),
    ("family", r"\frac{k\pi}{2}, k\in\mathbb{Z}", r"n\pi, \frac{\pi}{2}+n\pi, n\in\mathbb{Z}", True),
    (
        "family",
        r"\pm\frac{\pi}{3}+2k\pi, k\in\mathbb{Z}",
        r"\frac{\pi}{3}+2k\pi, \frac{5\pi}{3}+2k\pi, k\in\mathbb{Z}",
        True,
    ),
    ("family", r"\frac{\pi}{4}+k\pi \text{ for some integer } k", r"\frac{5\pi}{4}+n\pi, n\in\mathbb{Z}", True),
    ("family", r"2k+1, k\in\mathbb{Z}", r"1-2k, k\in\mathbb{Z}", True),
    ("family", r"k^2, k\in\mathbb{Z}", r"(k+1)^2, k\in\mathbb{Z}", False),
]

# What asks SymPy for much, and how that ends.
LONG = [
    (r"\int_0^1 \frac{\sin x \ln(1+x)}{1+x^4+x^7}\,dx", "too_large"),
    (r"\sum_{n=1}^{\infty} \frac{2n+5}{2^n(n^3+7n^2+14n+8)}", "too_large"),
    (r"\sum_{k=0}^\infty \frac{1}{k!}", "ok"),
]
