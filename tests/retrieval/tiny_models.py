"""Small randomly initialised checkpoints, saved in the formats that the real ones come in.

They prove that loading and plumbing work; what they encode means nothing.
"""

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

CLIP_SETTINGS: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 8, "head_width": 16},
    "text_cfg": {
        "context_length": 16,
        "vocab_size": 49408,
        "width": 16,
        "heads": 2,
        "layers": 1,
    },
}
BERT_SETTINGS: dict[str, Any] = {
    "vocab_size": 16,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 64,
}
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "revenue", "rose", "cat", "the"]


def save_clip(folder: Path) -> Path:
    """Save a CLIP model as open_clip publishes them: a configuration and safetensors."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    network = open_clip.model.CLIP(**CLIP_SETTINGS)
    save_file(network.state_dict(), folder / "open_clip_model.safetensors")
    preprocess = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "interpolation": "bicubic"}
    config = {"model_cfg": CLIP_SETTINGS, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def save_cross_encoder(folder: Path) -> Path:
    """Save a BERT with a scoring head, and its tokenizer, as transformers does."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(**BERT_SETTINGS | {"num_labels": 1})
    BertForSequenceClassification(config).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_text_encoder(folder: Path) -> Path:
    """Save a bare BERT, which sentence-transformers reads with mean pooling."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    BertModel(BertConfig(**BERT_SETTINGS)).save_pretrained(folder)
    save_tokenizer(folder)
    return folder


def save_tokenizer(folder: Path) -> None:
    from transformers import BertTokenizer

    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(VOCABULARY))
    BertTokenizer(vocab_file=str(vocabulary)).save_pretrained(folder)


def picture(color: str) -> bytes:
    """Encode a plain image as PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), color).save(buffer, "PNG")
    return buffer.getvalue()
