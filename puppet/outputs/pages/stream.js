// Reads an endless response of raw RGBA frames and draws each into a canvas. Opens it again when it ends.
"use strict";

const HEADER = 12; // bytes: width, height, number, each an unsigned 32-bit little-endian integer

class ByteReader {
  constructor(stream) {
    this.reader = stream.getReader();
    this.chunk = new Uint8Array(0);
  }

  async fill(target) {
    for (let done = 0; done < target.length; ) {
      if (this.chunk.length === 0) {
        const { value, done: ended } = await this.reader.read();
        if (ended) throw new Error("the stream ended");
        this.chunk = value;
      }
      const count = Math.min(this.chunk.length, target.length - done);
      target.set(this.chunk.subarray(0, count), done);
      this.chunk = this.chunk.subarray(count);
      done += count;
    }
  }
}

async function playOnce(path, canvas, shown) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  const bytes = new ByteReader(response.body);
  const context = canvas.getContext("2d");
  const header = new Uint8Array(HEADER);
  let image = null;
  for (;;) {
    await bytes.fill(header);
    const view = new DataView(header.buffer);
    const [width, height, number] = [0, 4, 8].map((at) => view.getUint32(at, true));
    if (!image || image.width !== width || image.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      image = new ImageData(width, height);
    }
    await bytes.fill(image.data);
    context.putImageData(image, 0, 0);
    if (shown) shown(number);
  }
}

async function play(path, canvas, shown) {
  for (;;) {
    try {
      await playOnce(path, canvas, shown);
    } catch (error) {
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height); // rather nobody than a stale face
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
