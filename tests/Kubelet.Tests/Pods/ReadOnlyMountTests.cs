using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Pods;

namespace Hanbae.Kubelet.Tests.Pods;

public sealed class ReadOnlyMountTests
{
    [Theory]
    [InlineData(null, true, null, true, false, null)]
    [InlineData("Disabled", true, null, true, false, null)]
    [InlineData("IfPossible", true, null, true, true, null)]
    [InlineData("IfPossible", true, null, false, false, null)]
    [InlineData("Enabled", true, "None", true, true, null)]
    [InlineData("Enabled", true, null, false, false, "volume \"v\" requested recursive read-only mode, but it is not supported by the runtime")]
    [InlineData("Enabled", false, null, true, false, "volume \"v\" requested recursive read-only mode, but it is not read-only")]
    [InlineData("Enabled", true, "HostToContainer", true, false, "volume \"v\" requested recursive read-only mode, but it is not compatible with propagation \"HostToContainer\"")]
    public void Read_only_beneath_is_given_where_the_runtime_can(string? mode, bool readOnly, string? propagation, bool able, bool given, string? error)
    {
        var mount = new VolumeMount { Name = "v", MountPath = "/v", ReadOnly = readOnly, RecursiveReadOnly = mode, MountPropagation = propagation };
        if (error is not null) Assert.Equal(error, Assert.Throws<ContainerConfigException>(() => ReadOnlyMounts.IsRecursive(mount, able)).Message);
        else
        {
            Assert.Equal(given, ReadOnlyMounts.IsRecursive(mount, able));
            Assert.Equal(given ? "Enabled" : "Disabled", ReadOnlyMounts.Told(mount, able));
        }
    }

    [Theory]
    [InlineData("Strict", null, true)]
    [InlineData("Strict", false, true)]
    [InlineData("Strict", true, false)]
    [InlineData("Merge", null, false)]
    [InlineData(null, null, false)]
    public void A_pod_that_wants_only_the_groups_it_names_needs_a_runtime_that_can(string? policy, bool? able, bool refused)
    {
        var pod = Make.Pod(Make.Container("app", "app"));
        pod = pod with { Spec = pod.Spec with { SecurityContext = new() { SupplementalGroupsPolicy = policy } } };
        var refusal = PodAdmission.RefuseGroups(pod, able is { } can ? new() { SupplementalGroupsPolicy = can } : null);
        Assert.Equal(refused ? "SupplementalGroupsPolicyNotSupported" : null, refusal?.Reason);
    }
}
