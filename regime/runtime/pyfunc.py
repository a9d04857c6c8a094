"""What mlflow calls to load a registered model: a module and a folder of data, no pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regime.runtime.predict import SavedModel, load_model

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FrameModel"]


class FrameModel:
    """A saved model that answers with a frame.

    Parameters
    ----------
    model : SavedModel

    Examples
    --------
    >>> import pandas as pd
    >>> from regime.runtime.formula import Linear, ModelParts
    >>> line = Linear(center=(0.0,), scale=(1.0,), clip=(3.0,), coef=(1.0,), intercept=0.0)
    >>> prior = (0.5, 0.25, 0.25)
    >>> parts = ModelParts(features=("vix",), linear=line, linear_weight=1.0, phase_prior=prior)
    >>> frame = FrameModel(SavedModel(parts)).predict(pd.DataFrame({"vix": [0.0]}))
    >>> frame.loc[0, "deleveraging"].item()
    0.5
    """

    def __init__(self, model: SavedModel) -> None:
        self.model = model

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Probabilities of the regimes.

        Parameters
        ----------
        frame : DataFrame, shape (n_rows, any)
            At least the model's features, by name.
        params : dict, optional
            mlflow passes it; there are none.

        Returns
        -------
        DataFrame, shape (n_rows, 4)
            One column a regime, the index of `frame`; rows sum to 1, never NaN.
        """
        import pandas as pd

        return pd.DataFrame(
            self.model.predict_proba(frame), index=frame.index, columns=list(self.model.regimes)
        )


def _load_pyfunc(path: str) -> FrameModel:
    """Entry that mlflow looks for; the bundle is checked as by `load_model`."""
    return FrameModel(load_model(path))
