"""Two processes that see half a batch each compute the gradient of the whole batch; no parameter is left out."""
import copy

import pytest
import torch
import torch.multiprocessing as mp
from torch import nn

from tests.references.networks import network
from tests.references.samples import batch

NAMES = ['sfnet', 'sfnet_lite', 'alignseg', 'gff', 'deformable']
SIZE = (33, 65)


def prepared(name):
    """Training mode, but norms and dropout fixed: statistics of half a batch are not those of the whole."""
    loss = dict(type='CrossEntropyLoss')  # mean over all pixels, so that the mean of two halves is that of the whole
    changes = {'decode_head__loss_decode': dict(loss, _delete_=True)}
    if name in ('sfnet', 'alignseg', 'deformable', 'gff'):
        changes['auxiliary_head__loss_decode'] = dict(loss, _delete_=True)
    # In float64, so that what is left of a difference is not rounding.
    model = network(name, data_preprocessor__size=SIZE, **changes).double().train()
    for module in model.modules():
        if isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)):
            module.eval()
    return model


def loss_of(model, data, part=slice(None)):
    data = dict(inputs=data['inputs'][part], data_samples=data['data_samples'][part])
    module = model.module if hasattr(model, 'module') else model
    data = module.data_preprocessor(copy.deepcopy(data), True)
    data['inputs'] = data['inputs'].double()
    return module.parse_losses(model(**data, mode='loss'))[0]


def work(rank, folder):
    import segfusion
    segfusion.register_all()
    torch.set_num_threads(1)
    torch.distributed.init_process_group('gloo', init_method=f'file://{folder}/meet', rank=rank, world_size=2)
    data = torch.load(f'{folder}/batch.pt', weights_only=False)
    for name in NAMES:
        model = nn.parallel.DistributedDataParallel(prepared(name), find_unused_parameters=False)
        for _ in range(2):  # a parameter without gradient raises in the second step
            model.zero_grad()
            loss_of(model, data, slice(2 * rank, 2 * rank + 2)).backward()
        if rank == 0:
            torch.save({k: p.grad for k, p in model.module.named_parameters()}, f'{folder}/{name}.pt')
    torch.distributed.destroy_process_group()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('gloo')
    torch.manual_seed(5)
    torch.save(batch(11, n=4, size=SIZE), folder / 'batch.pt')
    mp.start_processes(work, (str(folder), ), nprocs=2, start_method='fork')
    return folder


@pytest.mark.parametrize('name', NAMES)
def test_two_processes_have_the_gradient_of_one(name, folder):
    model = prepared(name)
    loss_of(model, torch.load(folder / 'batch.pt', weights_only=False)).backward()
    together = torch.load(folder / f'{name}.pt', weights_only=True)
    assert all(p.grad is not None for p in model.parameters())
    for key, parameter in model.named_parameters():
        scale = parameter.grad.abs().max().item()
        torch.testing.assert_close(
            together[key], parameter.grad, atol=1e-8 * scale + 1e-14, rtol=0, msg=lambda text: f'{key}: {text}')
