// Pictures of QR codes, from files, the clipboard or the camera. The simulator reads them: few browsers can.

const maxBytes = 4 << 20; // what the simulator takes
const maxSide = 3000;     // pixels of a picture that had to be made smaller
const interval = 400;     // milliseconds between the frames of the camera that are looked at

// readable returns a picture as the simulator takes it: PNG and JPEG as they are, all else drawn anew.
export async function readable(file) {
  if (/^image\/(png|jpeg)$/.test(file.type) && file.size <= maxBytes) return file;
  const bitmap = await createImageBitmap(file);
  return draw(bitmap, bitmap.width, bitmap.height, maxSide);
}

function draw(from, width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  const canvas = Object.assign(document.createElement('canvas'), { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext('2d').drawImage(from, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((b) => (b ? done(b) : fail(new Error('The picture cannot be drawn.'))), 'image/jpeg', .9));
}

// pictureIn returns the picture in a paste or a drop, if there is one.
export const pictureIn = (data) => [...(data?.files || [])].find((f) => f.type.startsWith('image/'));

// hasCamera says whether the browser offers a camera: it does to pages on localhost and over https.
export async function hasCamera() {
  try {
    return (await navigator.mediaDevices.enumerateDevices()).some((d) => d.kind === 'videoinput');
  } catch {
    return false;
  }
}

let stream = null;

export const filming = () => stream !== null;

// film shows the camera in video and hands frames to look, one at a time, until look returns true or stopFilming is called.
export async function film(video, look) {
  const mine = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } }, audio: false });
  stopFilming();
  stream = mine;
  video.srcObject = mine;
  await video.play();
  while (stream === mine) {
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !document.hidden) {
      const frame = await draw(video, video.videoWidth, video.videoHeight, 1280);
      if (stream !== mine || await look(frame)) break;
    }
    await new Promise((done) => { setTimeout(done, interval); });
  }
  if (stream === mine) stopFilming();
  video.srcObject = null;
}

export function stopFilming() {
  stream?.getTracks().forEach((t) => t.stop());
  stream = null;
}
