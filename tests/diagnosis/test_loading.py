"""Configs of before the package was renamed."""
import re

import pytest

from segfusion.diagnosis.loading import load_config
from segfusion.diagnosis.preflight import refuse_misspelt_names


@pytest.mark.parametrize('imports', ["['custom_modules']", "'custom_modules'", "['json', 'custom_modules.engine']"])
def test_the_former_name_is_answered_with_the_remedy(tmp_path, imports):
    path = tmp_path / 'dumped.py'
    path.write_text(f'custom_imports = dict(imports={imports}, allow_failed_imports=False)\n')
    remedy = f"sed -i 's/custom_modules/segfusion/g' {re.escape(str(path))}"
    for read in (load_config, lambda path: refuse_misspelt_names([path])):
        with pytest.raises((ValueError, SystemExit), match=remedy):
            read(str(path))
    path.write_text(re.sub('custom_modules', 'segfusion', path.read_text()))  # what sed does
    assert load_config(str(path)).custom_imports['imports']
