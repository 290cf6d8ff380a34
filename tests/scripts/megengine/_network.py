"""The network that reads the digits."""

import megengine.functional as F
from megengine import module as M


class Reader(M.Module):
    def __init__(self):
        super().__init__()
        self.conv = M.Conv2d(1, 8, 3, padding=1)
        self.norm = M.BatchNorm2d(8)
        self.pool = M.MaxPool2d(2)
        self.out = M.Linear(8 * 6 * 4, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.norm(self.conv(x))))
        return self.out(F.flatten(x, 1))
