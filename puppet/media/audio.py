"""The driver's sound in the output: packets copied where the container takes the codec, coded anew where not."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from puppet.media.video_reader import decoded, readable

RATE = 48000  # of sound that is coded anew
# suffix: (codecs that players expect there, the one to code anew with)
CODECS = {
    ".mp4": ({"aac", "mp3", "ac3", "opus"}, "aac"),
    ".mov": ({"aac", "mp3", "ac3"}, "aac"),
    ".mkv": ({"aac", "mp3", "ac3", "opus", "vorbis", "flac"}, "aac"),
    ".webm": ({"opus", "vorbis"}, "libopus"),
}


class Sound:
    """The first sound track of a file, for `attach` to write beside pictures, as far as these have come.

    start: where the file's clock stands at the first picture, in seconds.
    """

    def __init__(self, path: Path, start: float):
        self._path, self._start = path, start

    @staticmethod
    def of(path: Path, start: float) -> Sound | None:
        """None where the file has no sound track that can be decoded."""
        with av.open(str(path), metadata_errors="ignore") as container:
            streams = container.streams.audio
            return Sound(path, start) if streams and streams[0].codec_context is not None else None

    def attach(self, output: av.container.OutputContainer) -> None:
        """The file that takes the sound, before its first picture."""
        self._output = output
        self._input = av.open(str(self._path), metadata_errors="ignore")
        source = self._input.streams.audio[0]
        copied, encoder = CODECS["." + output.name.rsplit(".", 1)[-1]]
        if source.codec_context.codec.canonical_name in copied:
            self._stream = output.add_stream_from_template(source)
            self._packets = self._copied(source)
        else:
            self._stream = output.add_stream(encoder, rate=RATE, layout="stereo")
            self._packets = self._coded(source)
        self._waiting: av.Packet | None = None

    def write_until(self, seconds: float) -> None:
        """Write the packets that begin before `seconds` of the output."""
        packet = self._waiting or next(self._packets, None)
        while packet is not None and float(packet.pts * packet.time_base) < seconds:
            self._output.mux(packet)
            packet = next(self._packets, None)
        self._waiting = packet

    def finish(self, seconds: float) -> None:
        self.write_until(seconds)
        self._packets.close()
        self._input.close()

    def _copied(self, source: av.AudioStream) -> Iterator[av.Packet]:
        for packet in readable(self._input.demux(source)):
            if packet.dts is None or packet.pts is None:
                continue
            shift = round(self._start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            if packet.pts >= 0:
                packet.stream = self._stream
                yield packet

    def _coded(self, source: av.AudioStream) -> Iterator[av.Packet]:
        resampler = av.AudioResampler(self._stream.codec_context.format, "stereo", RATE)
        written = None  # samples so far, counted from the first picture
        for frame in decoded(self._input, source):
            if written is None:
                written = round(((frame.time or 0.0) - self._start) * RATE)
            for piece in resampler.resample(frame):
                piece.pts = written
                piece.time_base = Fraction(1, RATE)
                written += piece.samples
                if piece.pts >= 0:
                    yield from self._encoded(piece)
        yield from self._encoded(None)

    def _encoded(self, frame: av.AudioFrame | None) -> Iterator[av.Packet]:
        return (packet for packet in self._stream.encode(frame) if packet.pts is not None)
