"""How far two words are from one another."""


def is_one_slip(one: str, other: str) -> bool:
    """Whether one letter more, less, or other, or two neighbours changed over, make one word of the other.

    (Damerau 1964, one operation.)
    """
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    left, right = one[start:], other[start:]
    if len(left) == len(right):
        return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    return left[1:] == right or left == right[1:]
