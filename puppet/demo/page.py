"""The page of the demo: its parts and which handler each one calls."""

from __future__ import annotations

from pathlib import Path

from puppet.demo.handlers import PICTURE, Handlers
from puppet.demo.marking import choices
from puppet.demo.quiet_gradio import gradio as gr
from puppet.demo.quiet_gradio import known
from puppet.demo.sessions import Sessions
from puppet.media import DRIVER, PORTRAIT, PORTRAITS

BACKGROUNDS = [
    ("the portrait's own", "original"),
    ("blurred", "blur"),
    ("green", "chroma"),
    ("transparent", "transparent"),
    ("a picture", PICTURE),
]
STREAM_EVERY = 0.08  # s between two pictures of the webcam: as many as a browser sends without falling behind
CAMERA = {"video": {"width": {"ideal": 640}, "height": {"ideal": 480}}}
HEIGHT = 300  # px of pictures and videos on the page
# Gradio's tool for cutting a video would have to be fetched from the internet
CSS = """
button[aria-label="Trim video to selection"] { display: none; }
.puppet-live { width: 100%; max-width: 420px; aspect-ratio: 1; display: block; margin: auto; border-radius: 6px; }
img.puppet-live { background: repeating-conic-gradient(#bbb 0 25%, #eee 0 50%) 0 / 20px 20px; }
div.puppet-live { border: 1px dashed #8888; }
.puppet-marking img { cursor: crosshair; }
"""
LIVE_PLACEHOLDER = '<div class="puppet-live"></div>'
HOW_TO_MARK = (
    "**Mark the face.** Click in the picture, in the order of the list; left and right as you see them. "
    "To move a point, choose it in the list and click again. Optional points make the fit closer, above all for "
    "very large eyes."
)


def build_page(sessions: Sessions, folder: Path) -> gr.Blocks:
    """The whole page. `folder` holds what is uploaded and made."""
    handlers = Handlers(sessions, folder)
    with gr.Blocks(title="Puppet", analytics_enabled=False, **known(gr.Blocks, **look())) as page:
        gr.Markdown("# Puppet\nOne portrait in, a living person out. Everything stays on this machine.")
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                portrait, portrait_status, by_hand = _portrait_part()
                background, picture, strength = _look_part()
            with gr.Column(scale=2, min_width=500):
                panel = _marking_part(handlers, portrait_status)
                with gr.Tabs():
                    with gr.Tab("Video"):
                        _video_part(handlers, [background, picture, strength])
                    with gr.Tab("Webcam"):
                        _webcam_part(handlers, [background, picture, strength])
        shown = [portrait_status, *panel]
        page.load(handlers.choose_portrait, portrait, shown, show_progress="hidden")
        cleared = portrait.change(handlers.clear_portrait, None, shown, show_progress="hidden")
        chosen = cleared.then(handlers.choose_portrait, portrait, shown, show_progress="hidden")
        chosen.failure(lambda: "This picture cannot be used.", None, portrait_status, show_progress="hidden")
        by_hand.click(handlers.mark_by_hand, None, shown)
        background.change(
            lambda choice: gr.Image(visible=choice == PICTURE), background, picture, show_progress="hidden"
        )
        page.unload(handlers.leave)
    return page


def look() -> dict:
    """How the page looks: for Gradio 5 an argument of the page, from 6 on one of its launch."""
    fonts = ("system-ui", "sans-serif"), ("ui-monospace", "monospace")  # none that would have to be fetched
    return {"css": CSS, "theme": gr.themes.Default(font=fonts[0], font_mono=fonts[1])}


def _portrait_part():
    portrait = _picture("Portrait", value=str(PORTRAIT), elem_id="portrait")
    gr.Examples([[str(path)] for path in PORTRAITS], portrait, label="Example portraits")
    status = gr.Markdown("Looking for the face ...")
    return portrait, status, gr.Button("Mark the face by hand", size="sm")


def _look_part():
    background = gr.Radio(BACKGROUNDS, value="original", label="Background")
    picture = _picture("Picture behind the portrait", visible=False)
    strength = gr.Slider(
        0, 2, value=1, step=0.1, label="Motion strength", info="1: as much as the driver; 0: the portrait at rest"
    )
    return background, picture, strength


def _picture(label: str, **options) -> gr.Image:
    """An upload that hands on the file as it came: what is wrong with it is said by whoever reads it."""
    image = gr.Image(type="filepath", sources=["upload", "clipboard"], label=label, height=HEIGHT, **options)
    setattr(image, "preprocess", lambda payload: None if payload is None else payload.path)  # noqa: B010
    return image


def _marking_part(handlers: Handlers, status: gr.Markdown) -> list:
    with gr.Column(visible=False) as column:
        gr.Markdown(HOW_TO_MARK)
        picture = gr.Image(
            label="Click here", interactive=False, elem_classes="puppet-marking", format="png", height=480,
            **known(gr.Image, buttons=["fullscreen"], show_share_button=False, show_download_button=False),
        )  # fmt: skip
        with gr.Row():
            point = gr.Dropdown(choices(), label="Point to place with the next click", interactive=True)
            use = gr.Button("Use these points", variant="primary", interactive=False)
        with gr.Row():
            again = gr.Button("Start over", size="sm")
            sidecar = gr.DownloadButton("Download the points", size="sm", interactive=False)
    panel = [column, picture, point, use, sidecar]
    picture.select(handlers.mark_point, point, panel, show_progress="hidden")
    use.click(handlers.use_points, None, [status, sidecar])
    again.click(handlers.mark_by_hand, None, [status, *panel], show_progress="hidden")
    return panel


def _video_part(handlers: Handlers, chosen: list) -> None:
    with gr.Row():
        driver = gr.Video(str(DRIVER), sources=["upload"], label="Driver: a person who moves", height=HEIGHT)
        clip = gr.Video(label="Clip", interactive=False, autoplay=True, loop=True, height=HEIGHT)
    gr.Examples([[str(DRIVER)]], driver, label="Example drivers")
    status = gr.Markdown()
    with gr.Row():
        make = gr.Button("Make the clip", variant="primary")
        stop = gr.Button("Stop")
        download = gr.DownloadButton("Download the clip", interactive=False)
    making = make.click(
        handlers.make_clip, [driver, *chosen], [clip, download, status], show_progress="hidden", concurrency_limit=1
    )
    stop.click(lambda: "Stopped.", None, status, cancels=making, show_progress="hidden")


def _webcam_part(handlers: Handlers, chosen: list) -> None:
    with gr.Row():
        camera = gr.Image(
            sources="webcam",
            streaming=True,
            type="numpy",
            label="Your webcam",
            height=420,
            webcam_options=gr.WebcamOptions(mirror=True, constraints=CAMERA),
        )
        result = gr.HTML(LIVE_PLACEHOLDER)
    status = gr.Markdown("Allow the webcam, then press *Record* to begin; nothing is written to a file.")
    neutral = gr.Button("This is my neutral face")
    camera.stream(
        handlers.see,
        [camera, *chosen],
        [result, status],
        stream_every=STREAM_EVERY,
        show_progress="hidden",
        concurrency_limit=None,
    )
    neutral.click(handlers.take_neutral, None, status, show_progress="hidden")
