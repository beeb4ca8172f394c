"""What a model file says about itself to people, and the same as a page of Markdown.

SPDX-License-Identifier: Apache-2.0
"""
from . import network, published

TEMPORAL = """
    {count} classes ({labels}) from one second of 16 kHz speech. A temporal residual network: mel
    bands are channels; a stem of {stem_taps} taps to {stem} channels at {positions} places,
    residual blocks of {widths} channels with {taps} taps at strides of {strides}, {weights},
    {winners}, the mean over time, a linear layer."""
WINDOWS = "weights in windows (8 outputs x 4 bands in the stem, x 16 inputs at a tap elsewhere)"
IMAGE = """
    {count} classes ({labels}) from one second of 16 kHz speech. The shape behind the published
    figures for sparse networks on speech, for like-for-like tables of speed: two 5x5 convolutions
    of 64 channels, each with a 2x2 pool, 1500 units, a linear layer. """
SHARED = """
    {numbers}: 8 neighbouring outputs share three runs of 4 neighbouring bands
    of the 5x5, windows of 32 channels at a tap in the second convolution (200 of 1600 inputs in the
    mean) and two of them in the linear layer; """
PUBLISHED = 127_696
DESCRIPTIONS = {
    "commands": TEMPORAL,
    "commands-dense": "The dense twin of `commands`. " + TEMPORAL,
    "commands-sparse-dense": "As `commands`, but with dense activations. " + TEMPORAL,
    "digits": TEMPORAL,
    "tcresnet8": """
        A dense rival of `commands`, like TC-ResNet8 (Choi et al., 2019, arXiv:1904.03814; what of
        the paper is kept stands in training/sparrow_training/trainer.py). """
    + TEMPORAL,
    "relu": "A dense teacher. " + TEMPORAL,
    "published": IMAGE,
    "published-dense": "The dense twin of `published`. " + IMAGE,
    "published-sparse-dense": "As `published`, but with dense activations. " + IMAGE,
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven")
AMONG = {  # where winners are among, by the kind of competition
    "block": "in each 8 channels",
    "local": "for each 8 channels, among all of a place",
    "global": "for each 8 channels, among all of all places",
}
TRAINED_ON = """
    Speech Commands by Pete Warden, Google (v0.01 of 2017 and v0.02 of 2018): 19,175 training clips
    of 1,639 speakers, Opus-coded, and its background recordings; no speaker is in two of training,
    validation and test."""
LICENCE = """
    Model: Apache-2.0. Trained on Speech Commands, copyright Google, licence CC BY 4.0
    (https://creativecommons.org/licenses/by/4.0/); Pete Warden, Speech Commands: A Dataset for
    Limited-Vocabulary Speech Recognition, 2018, arXiv:1804.03209. A subset was used and partly
    transcoded."""
FLOATING = """
    {epochs} epochs of {clips:,} clips in floating point, SGD with Nesterov momentum, batch {batch},
    one-cycle rate up to {peak}, classes balanced, augmented takes (speed, shift, colour, level,
    background{elsewhere}),{more} SpecAugment, average of the weights"""
ANNEALED = "winners annealed from 8 to {winners} of 8"
WEIGHTS = {  # by the kind of masks
    "learned": "windows of weights pruned gradually by their share in what their outputs receive",
    "static": "windows of weights chosen at random before the first step",
    "dynamic": "windows of weights chosen at random, then moved to the largest gradient",
}


def line(text):
    return " ".join(text.split())


def alive(settings):
    """Which values of a temporal network are."""
    if settings.winners >= network.BLOCK:
        return "every positive value alive"
    count = f"{NUMBERS[settings.winners]} winner{'s' if settings.winners > 1 else ''}"
    return f"{count} {AMONG[settings.competition]}"


def shared(settings):
    """What the published shape shares: weights, if it is pruned, and winners, if there are any."""
    few = settings.winners < network.BLOCK
    count = published.numbers(len(settings.vocabulary.labels))
    as_published = ", as published" if count == PUBLISHED else ""
    weights = SHARED.format(numbers=f"{count:,} numbers{as_published}") if settings.lookups else ""
    if few:
        verb = "wins" if settings.winners == 1 else "win"
        count = NUMBERS[settings.winners]
        return f"{weights}{count} of each 8 neighbouring channels and units {verb}."
    return weights + "every positive value is alive." if weights else ""


def recipe(settings, epochs, integer_epochs, teachers, manner=(0.0, 0.0)):
    """manner: that of the takes, as a checkpoint keeps it."""
    clips = settings.steps * settings.batch
    told = {"epochs": epochs, "clips": clips, "batch": settings.batch, "peak": settings.peak}
    told["elsewhere"] = "".join(
        f", {what}" for what, share in zip(("room", "pitch"), manner) if share
    )
    more = " other vocal tracts and paces," if settings.warp else ""
    more += " steady noise under 60 % of them," if settings.blur else ""
    parts = [FLOATING.format(**told, more=more)]
    if settings.started:
        parts.append("weights, masks and winners begun from another run's")
    else:
        annealed = [ANNEALED.format(winners=settings.winners)] * (settings.winners < network.BLOCK)
        cost = f", to a cost of {settings.lookups:,} lookups a word"
        pruned = [WEIGHTS[settings.masks] + cost] * bool(settings.lookups)
        parts += filter(None, [", ".join(annealed + pruned)])
    if settings.boost:
        parts.append(f"channels that win often held back at first (boost {settings.boost:g})")
    if teachers > 1:
        parts.append(f"taught by the mean of {teachers} dense networks")
    elif teachers:
        parts.append("taught by a dense network")
    if integer_epochs:
        parts.append(f"then {integer_epochs} epochs in the integers of the model file")
    elif settings.net != "bcresnet1":
        parts.append("quantised after training")
    return "; ".join(line(part) for part in parts) + f". Seed {settings.seed}."


def recipe_of(trained):
    """How a network was trained; trained: what trainer.load() gives."""
    epochs = (
        sum(entry["stage"] == stage for entry in trained.log) for stage in ("float", "integer")
    )
    told = recipe(
        trained.settings, *epochs, trained.taught, trained.origin.get("manner", (0.0, 0.0))
    )
    return " ".join(filter(None, (told, trained.note)))


def fill(card, trained):
    """trained: what trainer.load() gives."""
    settings = trained.settings
    labels = settings.vocabulary.labels
    shape = network.Shape(**settings.shape)
    text = DESCRIPTIONS[settings.net]
    if settings.net.startswith("published"):
        text += shared(settings)
    card.description = line(text).format(
        stem_taps=shape.stem_taps,
        stem=shape.widths[0],
        positions=network.FRAMES // shape.stem_stride,
        widths=", ".join(map(str, shape.widths[1:])),
        taps=", ".join(map(str, shape.taps)),
        strides=", ".join(map(str, shape.strides)),
        weights=WINDOWS if settings.lookups else "all weights stored",
        winners=alive(settings),
        count=len(labels),
        labels=" ".join(labels),
    )
    card.trained_on = line(trained.origin.get("trained_on", TRAINED_ON))
    card.licence = line(trained.origin.get("licence", LICENCE))
    del card.held_out[:]
    card.held_out.extend(trained.held_out)
    card.recipe = recipe_of(trained)


def set_figure(card, name, value, unit, note):
    """Adds a figure, or replaces the one of that name."""
    for figure in card.figures:
        if figure.name == name:
            break
    else:
        figure = card.figures.add(name=name)
    figure.value, figure.unit, figure.note = value, unit, note


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.4f}"


def page(model, sections):
    """The card as Markdown; sections: further pages' text, by title."""
    card = model.card
    lines = [
        f"# {model.name} {model.version}",
        "",
        card.description,
        "",
        "Written by `training/evaluate`; the same text and figures stand in the model file.",
        "",
        "| figure | value | how |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {f.name} | {number(f.value)} {f.unit} | {f.note} |" for f in card.figures]
    for title, text in sections.items():
        lines += ["", f"## {title}", "", text]
    for title, text in (
        ("Training", card.recipe),
        ("Data", card.trained_on),
        ("Licence", card.licence),
    ):
        lines += ["", f"## {title}", "", text]
    return "\n".join(lines) + "\n"
