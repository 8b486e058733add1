"""Two processes with SyncBatchNorm compute the statistics and the gradient of the whole batch."""
import os

import pytest
import torch
import torch.distributed as dist
from torch import nn

from tests.references.networks import network
from tests.references.samples import batch
from tests.test_distributed import loss_of

pytestmark = pytest.mark.gpu
SIZE = (33, 65)


def prepared(name, device):
    loss = dict(type='CrossEntropyLoss', _delete_=True)  # mean over all pixels
    changes = {'decode_head__loss_decode': loss, 'auxiliary_head__loss_decode': loss}
    model = network(name, data_preprocessor__size=SIZE, **changes).to(device).double().train()
    fixed = nn.modules.dropout._DropoutNd if device.type == 'cuda' else (nn.modules.dropout._DropoutNd,
                                                                         nn.modules.batchnorm._BatchNorm)
    for module in model.modules():
        if isinstance(module, fixed):
            module.eval()
    return model


def work(rank, world, kind, folder):
    """One rank; on a single GPU both are on it, by gloo, since NCCL takes one rank a device."""
    import segfusion
    segfusion.register_all()
    torch.set_num_threads(1)
    device = torch.device(kind, rank % torch.cuda.device_count()) if kind == 'cuda' else torch.device(kind)
    own = kind == 'cuda' and torch.cuda.device_count() >= world
    if kind == 'cuda':
        torch.cuda.set_device(device)
    dist.init_process_group('nccl' if own else 'gloo', init_method=f'file://{folder}/meet', rank=rank,
                            world_size=world)
    model = prepared('sfnet', device)
    if kind == 'cuda':
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    model = nn.parallel.DistributedDataParallel(model, device_ids=[device.index] if kind == 'cuda' else None)
    data = torch.load(os.path.join(folder, 'batch.pt'), weights_only=False)
    share = 4 // world
    loss_of(model, data, slice(share * rank, share * (rank + 1))).backward()
    if rank == 0:
        gradients = {k: p.grad.cpu() for k, p in model.module.named_parameters()}
        statistics = {k: v.cpu() for k, v in model.module.state_dict().items() if 'running' in k}
        torch.save((gradients, statistics), os.path.join(folder, 'out.pt'))
    dist.barrier()
    dist.destroy_process_group()


@pytest.mark.parametrize('world', [1, 2])
def test_ranks_have_the_statistics_and_the_gradient_of_one(world, device, tmp_path):
    """On a processor, where there is no SyncBatchNorm, with fixed norms: a rehearsal of the rest."""
    torch.manual_seed(5)
    torch.save(batch(11, n=4, size=SIZE), tmp_path / 'batch.pt')
    start = 'spawn' if device.type == 'cuda' else 'fork'
    torch.multiprocessing.start_processes(work, (world, device.type, str(tmp_path)), nprocs=world, start_method=start)
    gradients, statistics = torch.load(tmp_path / 'out.pt', weights_only=True)
    model = prepared('sfnet', device)
    loss_of(model, torch.load(tmp_path / 'batch.pt', weights_only=False)).backward()
    for key, parameter in model.named_parameters():
        scale = parameter.grad.abs().max().item()
        torch.testing.assert_close(gradients[key], parameter.grad.cpu(), atol=1e-7 * scale + 1e-12, rtol=0,
                                   msg=lambda text, key=key: f'{key}: {text}')
    state = model.state_dict()
    assert statistics
    for key, value in statistics.items():
        torch.testing.assert_close(value, state[key].cpu(), atol=1e-9, rtol=1e-7)
