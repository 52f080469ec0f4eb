using Hanbae.Kit.Containerd;
using Hanbae.Grpc;

namespace Hanbae.Cri.Tests;

/// <summary>The spec against a real containerd 1.6 with runc.</summary>
public sealed class ContainerdTests(ContainerdNode node) : CriSpec, IClassFixture<ContainerdNode>
{
    protected override ICri Cri { get; } = new CriClient(node.Channel);

    protected override string Directory { get; } = Path.Combine(node.Directory, "logs", Guid.NewGuid().ToString("N"));

    protected override string CgroupParent => node.CgroupParent;

    protected override Task PassAsync() => Task.Delay(20);

    [SpecFact]
    public async Task What_containerd_1_6_does_not_know_is_no_error_where_the_kubelet_goes_on_without()
    {
        Assert.Null(await Cri.RuntimeConfigAsync(Never));
        Assert.False(await Cri.UpdatePodSandboxResourcesAsync(new() { PodSandboxId = "x" }, Never));
        var error = await Assert.ThrowsAsync<GrpcException>(async () =>
        {
            await foreach (var _ in Cri.GetContainerEventsAsync(Never)) break;
        });
        Assert.Equal(GrpcStatus.Unimplemented, error.Status);
    }
}
