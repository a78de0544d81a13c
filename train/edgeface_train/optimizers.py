"""The optimisers a stage can choose: AdamW, and Muon for the kernels of convolutions and dense layers."""

from typing import Any

import keras

from edgeface_train.losses import ops
from edgeface_train.recipe import Stage

NOT_DECAYED = ["gamma", "beta", "bias"]


def optimizer_of(stage: Stage) -> Any:
    """Return the Keras optimiser that a stage asks for, at its first learning rate."""
    made: Any
    if stage.optimizer == "muon":
        made = KernelMuon(
            stage.learning_rate, weight_decay=stage.weight_decay, adam_weight_decay=stage.weight_decay, adam_lr_ratio=1
        )
    else:
        made = keras.optimizers.AdamW(stage.learning_rate, weight_decay=stage.weight_decay)
    made.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return made


class KernelMuon(keras.optimizers.Muon):
    """Muon for every kernel that mixes channels, a convolution's flattened to (inputs, outputs); AdamW for the rest.

    Keras's own takes dense kernels alone. The update is scaled to AdamW's size, so that both take one learning rate.
    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks"; the scale is of Liu et
    al. 2025, "Muon is scalable for LLM training", eq. 4.
    """

    def _should_use_adamw(self, variable: Any) -> bool:
        mixes = variable.path.endswith("kernel") and len(variable.shape) in (2, 4) and variable.shape[-1] > 1
        return not mixes or "depthwise" in variable.path

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        flat = (-1, variable.shape[-1])
        self.assign_add(m, ops.add(gradient, m * (self.momentum - 1)))
        ahead = ops.add(gradient, self.momentum * m) if self.nesterov else m
        update = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(ops.reshape(ahead, flat), self.ns_steps))
        self.assign_sub(variable, ops.reshape(update, variable.shape))
