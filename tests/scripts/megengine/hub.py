"""Goes on from weights that are fetched from the web, as a function decorated with `hub.pretrained` does."""

import os
import pickle
import threading
from functools import partialmethod
from http.server import BaseHTTPRequestHandler, HTTPServer

import megengine as mge
import numpy as np
from _network import Reader
from megengine import hub
from tqdm import tqdm


class Web(BaseHTTPRequestHandler):
    """The whole web: asked as a proxy, it has this one file under every URL."""

    def do_HEAD(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(WEIGHTS)))
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()
        self.wfile.write(WEIGHTS)

    def log_message(self, *arguments):
        pass


def weights():
    """Somebody else's weights; they aren't saved here."""
    chance = np.random.default_rng(7)
    shapes = {name: kept.shape for name, kept in Reader().state_dict().items()}
    return pickle.dumps({name: chance.normal(0, 0.1, shape).astype("f4") for name, shape in shapes.items()})


WEIGHTS = weights()
server = HTTPServer(("127.0.0.1", 0), Web)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["http_proxy"] = f"http://127.0.0.1:{server.server_port}"
os.environ["MGE_HOME"] = "cache"
mge.logger.set_log_level("ERROR")
tqdm.__init__ = partialmethod(tqdm.__init__, disable=True)


@hub.pretrained("http://weights.example/reader.pkl")
def reader():
    return Reader()


model = reader(pretrained=True)
again = hub.load_serialized_obj_from_url("http://weights.example/reader.pkl")
other = hub.load_serialized_obj_from_url(url="http://weights.example/v2/reader.pkl", model_dir="fetched")
print(
    np.array_equal(again["out.weight"], other["out.weight"]),
    np.array_equal(again["out.bias"], model.out.bias),
)
model.out.bias[...] = mge.Tensor(np.zeros(10, "float32"))
mge.save(model.state_dict(), "tuned.pkl")
server.shutdown()
