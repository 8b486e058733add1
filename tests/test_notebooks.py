"""The tutorial notebooks run from top to bottom, and what they assert holds."""
import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / 'docs' / 'tutorials').glob('*.ipynb'))


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_runs(path, tmp_path, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    monkeypatch.setenv('IPYTHONDIR', str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    assert any('assert ' in cell.source for cell in notebook.cells), 'a tutorial checks its own claim'
    stored = [output.get('text', '') for cell in notebook.cells for output in cell.get('outputs', [])]
    assert stored and not any(os.fspath(Path.home()) in text for text in stored)
    NotebookClient(notebook, timeout=300, resources=dict(metadata=dict(path=tmp_path))).execute()
