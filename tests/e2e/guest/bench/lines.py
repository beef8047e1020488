def joined(rows):
    return "\n".join(map(str, rows))
