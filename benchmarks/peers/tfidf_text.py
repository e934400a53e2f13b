"""TF-IDF of words and pairs of words with logistic regression, by scikit-learn."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from texts_common import arguments, parts, write_result

if __name__ == "__main__":
    args = arguments(__doc__)
    texts, labels, others, truth = parts(args.data)
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=10, max_iter=1000)
    )
    write_result(args.out, model.fit(texts, labels).predict(others).tolist(), truth)
