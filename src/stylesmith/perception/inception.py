"""Inception-v3 as the Fréchet Inception Distance knows it: TensorFlow's graph of 2015-12-05.

The architecture is that of Szegedy et al. (2016), "Rethinking the Inception Architecture", Figures
5 to 7 and 10. Three things set this graph apart from other versions, and each changes the distance:
averages leave padding out, the last block takes a maximum where the others average, and
images are enlarged by TensorFlow 1's bilinear rule. Names are those of the widely used state dict.
"""

from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylesmith.perception.preprocessing import uint8_to_rgb
from stylesmith.perception.state_dicts import open_network

INPUT_SIZE = 299
"""Height and width that the network was made for."""

NUM_CLASSES = 1008
NUM_FEATURES = 2048


class BasicConv2d(nn.Module):
    """Convolution, batch normalization, ReLU."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int | tuple[int, int] = 1,
        *,
        stride: int = 1,
        padding: int | str = "same",
    ):
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride=stride, padding=padding, bias=False
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, I, H, W)` -> `(N, O, H', W')`."""
        y: Tensor = self.bn(self.conv(x))
        return y.relu_()


def avg_pool_3x3(x: Tensor) -> Tensor:
    """Mean of the 3x3 neighbors that there are; size unchanged."""
    return F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)


def max_pool_3x3(x: Tensor) -> Tensor:
    """Maximum of the 3x3 neighbors; size unchanged."""
    return F.max_pool2d(x, 3, stride=1, padding=1)


def max_pool_stride_2(x: Tensor) -> Tensor:
    """Maximum over 3x3 at every second place."""
    return F.max_pool2d(x, 3, stride=2)


class InceptionA(nn.Module):
    """35x35: a 5x5 convolution beside two 3x3 (Figure 5)."""

    def __init__(self, channels: int, pool_channels: int):
        super().__init__()
        self.branch1x1 = BasicConv2d(channels, 64)
        self.branch5x5_1 = BasicConv2d(channels, 48)
        self.branch5x5_2 = BasicConv2d(48, 64, 5)
        self.branch3x3dbl_1 = BasicConv2d(channels, 64)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, 3)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3)
        self.branch_pool = BasicConv2d(channels, pool_channels)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, H, W)` -> `(N, 224 + pool_channels, H, W)`."""
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        pooled = self.branch_pool(avg_pool_3x3(x))
        return torch.cat([self.branch1x1(x), five, three, pooled], 1)


class InceptionB(nn.Module):
    """35x35 to 17x17 (Figure 10)."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch3x3 = BasicConv2d(channels, 384, 3, stride=2, padding=0)
        self.branch3x3dbl_1 = BasicConv2d(channels, 64)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, 3)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, H, W)` -> `(N, 480 + channels, H', W')`."""
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return torch.cat([self.branch3x3(x), three, max_pool_stride_2(x)], 1)


class InceptionC(nn.Module):
    """17x17: 7x7 convolutions as rows and columns (Figure 6)."""

    def __init__(self, channels: int, channels_7x7: int):
        super().__init__()
        row, column = (1, 7), (7, 1)
        self.branch1x1 = BasicConv2d(channels, 192)
        self.branch7x7_1 = BasicConv2d(channels, channels_7x7)
        self.branch7x7_2 = BasicConv2d(channels_7x7, channels_7x7, row)
        self.branch7x7_3 = BasicConv2d(channels_7x7, 192, column)
        self.branch7x7dbl_1 = BasicConv2d(channels, channels_7x7)
        self.branch7x7dbl_2 = BasicConv2d(channels_7x7, channels_7x7, column)
        self.branch7x7dbl_3 = BasicConv2d(channels_7x7, channels_7x7, row)
        self.branch7x7dbl_4 = BasicConv2d(channels_7x7, channels_7x7, column)
        self.branch7x7dbl_5 = BasicConv2d(channels_7x7, 192, row)
        self.branch_pool = BasicConv2d(channels, 192)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, H, W)` -> `(N, 768, H, W)`."""
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        twice = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        twice = self.branch7x7dbl_5(self.branch7x7dbl_4(twice))
        pooled = self.branch_pool(avg_pool_3x3(x))
        return torch.cat([self.branch1x1(x), seven, twice, pooled], 1)


class InceptionD(nn.Module):
    """17x17 to 8x8 (Figure 10)."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch3x3_1 = BasicConv2d(channels, 192)
        self.branch3x3_2 = BasicConv2d(192, 320, 3, stride=2, padding=0)
        self.branch7x7x3_1 = BasicConv2d(channels, 192)
        self.branch7x7x3_2 = BasicConv2d(192, 192, (1, 7))
        self.branch7x7x3_3 = BasicConv2d(192, 192, (7, 1))
        self.branch7x7x3_4 = BasicConv2d(192, 192, 3, stride=2, padding=0)

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, H, W)` -> `(N, 512 + channels, H', W')`."""
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x)))
        return torch.cat([three, self.branch7x7x3_4(seven), max_pool_stride_2(x)], 1)


class InceptionE(nn.Module):
    """8x8: 3x3 convolutions as a row beside a column (Figure 7)."""

    def __init__(self, channels: int, pool: Callable[[Tensor], Tensor]):
        super().__init__()
        row, column = (1, 3), (3, 1)
        self.branch1x1 = BasicConv2d(channels, 320)
        self.branch3x3_1 = BasicConv2d(channels, 384)
        self.branch3x3_2a = BasicConv2d(384, 384, row)
        self.branch3x3_2b = BasicConv2d(384, 384, column)
        self.branch3x3dbl_1 = BasicConv2d(channels, 448)
        self.branch3x3dbl_2 = BasicConv2d(448, 384, 3)
        self.branch3x3dbl_3a = BasicConv2d(384, 384, row)
        self.branch3x3dbl_3b = BasicConv2d(384, 384, column)
        self.branch_pool = BasicConv2d(channels, 192)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, H, W)` -> `(N, 2048, H, W)`."""
        one = self.branch3x3_1(x)
        two = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        branches = [
            self.branch1x1(x),
            self.branch3x3_2a(one),
            self.branch3x3_2b(one),
            self.branch3x3dbl_3a(two),
            self.branch3x3dbl_3b(two),
            self.branch_pool(self.pool(x)),
        ]
        return torch.cat(branches, 1)


class InceptionV3(nn.Module):
    """Images to 2048 features, and these to 1008 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, 3, stride=2, padding=0)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, 3, padding=0)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, 3)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80)
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, 3, padding=0)
        self.Mixed_5b = InceptionA(192, pool_channels=32)
        self.Mixed_5c = InceptionA(256, pool_channels=64)
        self.Mixed_5d = InceptionA(288, pool_channels=64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b = InceptionC(768, channels_7x7=128)
        self.Mixed_6c = InceptionC(768, channels_7x7=160)
        self.Mixed_6d = InceptionC(768, channels_7x7=160)
        self.Mixed_6e = InceptionC(768, channels_7x7=192)
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b = InceptionE(1280, avg_pool_3x3)
        self.Mixed_7c = InceptionE(2048, max_pool_3x3)
        self.fc = nn.Linear(NUM_FEATURES, NUM_CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """RGB `(N, 3, H, W)`, 0..255 -> the averages of the last block, `(N, 2048)`."""
        x = (resize_as_tensorflow(images, INPUT_SIZE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(max_pool_stride_2(x)))
        x = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(max_pool_stride_2(x))))
        x = self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(x)))
        x = self.Mixed_6e(self.Mixed_6d(x))
        x = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(x)))
        return x.mean(dim=(2, 3))


def resize_as_tensorflow(images: Tensor, size: int) -> Tensor:
    """Bilinear resize by the rule of TensorFlow 1: `(N, C, H, W)` -> `(N, C, size, size)`.

    Output pixel i reads at i * H / size. Neither the corners nor the centers of the two grids are
    aligned, and nothing is filtered when images shrink: an oddity that is part of the distance.
    """
    for dim in (2, 3):
        length = images.shape[dim]
        if length != size:
            place = torch.arange(size, device=images.device) * (length / size)
            low = place.long()
            fraction = (place - low).view(-1, *[1] * (3 - dim))
            below = images.index_select(dim, low)
            above = images.index_select(dim, (low + 1).clamp(max=length - 1))
            images = below + (above - below) * fraction
    return images


class InceptionExtractor:
    """The features of FID, KID and the Inception Score."""

    name = "inception"
    dimension = NUM_FEATURES
    min_size = 1

    def __init__(self, path: Path, weights_hash: str, device: torch.device):
        self.network = open_network(InceptionV3, path).to(device)
        self.weights_hash = weights_hash
        self.device = device

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        """uint8 `(N, 1, 3 or 4, H, W)` -> float32 `(N, 2048)`."""
        result: Tensor = self.network(uint8_to_rgb(images, self.device))
        return result

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> Tensor:
        """uint8 images -> softmax over 1008 classes, `(N, 1008)`.

        Without the bias of the last layer, as in the published Inception Scores.
        """
        return F.linear(self.features(images), self.network.fc.weight).softmax(dim=1)
