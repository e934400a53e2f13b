"""sentence-transformers encodes, scikit-learn's logistic regression answers."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

import time

from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from texts_common import arguments, parts, write_result

if __name__ == "__main__":
    args = arguments(__doc__)
    texts, labels, others, truth = parts(args.data)
    encoder = SentenceTransformer(str(args.model), device="cpu")
    start = time.perf_counter()
    features, tested = encoder.encode(texts), encoder.encode(others)
    encoding = time.perf_counter() - start
    model = LogisticRegression(C=10, max_iter=1000).fit(features, labels)
    write_result(
        args.out, model.predict(tested).tolist(), truth, encode_seconds=encoding, texts=len(texts) + len(others)
    )
