def simplify_to_zero(a,b): return True
