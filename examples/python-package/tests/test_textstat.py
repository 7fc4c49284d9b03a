from textstat import word_counts


def test_words_are_counted_whatever_their_case() -> None:
    assert word_counts("To be or not to be")["to"] == 2
