using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Kubelet.Statuses;

namespace Hanbae.Kubelet.Tests.Statuses;

public sealed class StatusPatchTests
{
    static string? Patch(PodStatus old, PodStatus now) => StatusPatch.Between("u", old, now) is { } body ? Encoding.UTF8.GetString(body) : null;

    [Fact]
    public void Nothing_is_sent_when_nothing_changed() => Assert.Null(Patch(new() { Phase = "Running" }, new() { Phase = "Running" }));

    [Fact]
    public void Only_what_changed_is_sent_and_only_for_the_same_pod() =>
        Assert.Equal("""{"metadata":{"uid":"u"},"status":{"phase":"Running"}}""", Patch(new() { Phase = "Pending", HostIP = "1.2.3.4" }, new() { Phase = "Running", HostIP = "1.2.3.4" }));

    [Fact]
    public void Conditions_of_others_are_not_touched()
    {
        PodCondition gate = new() { Type = "example.com/gate", Status = "True" }, unready = new() { Type = "Ready", Status = "False" };
        string patch = Patch(new() { Conditions = [unready, gate] }, new() { Conditions = [unready with { Status = "True" }, gate] })!;
        Assert.Contains("\"Ready\"", patch);
        Assert.DoesNotContain("gate", patch);
    }

    [Fact]
    public void Addresses_are_replaced_and_what_is_gone_is_taken_away()
    {
        string patch = Patch(new() { PodIPs = [new() { Ip = "10.0.0.1" }], Reason = "Evicted" }, new() { PodIPs = [new() { Ip = "10.0.0.2" }] })!;
        Assert.Equal("""{"metadata":{"uid":"u"},"status":{"podIPs":[{"$patch":"replace"},{"ip":"10.0.0.2"}],"reason":null}}""", patch);
    }
}
