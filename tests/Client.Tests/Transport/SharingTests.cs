using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;

namespace Hanbae.Client.Tests.Transport;

/// <summary>What came over the wire has in common what is alike, and is what was sent all the same.</summary>
public sealed class SharingTests
{
    static Pod Pod(int i, string image = "web:1") => Make.Pod($"web-{i}", "5", node: "n" + i, labels: Map.Of(("app", "web"))) is var pod ? pod with
    {
        Metadata = pod.Metadata with
        {
            GenerateName = "web-", OwnerReferences = [new() { ApiVersion = "apps/v1", Kind = "ReplicaSet", Name = "web", Uid = "u", Controller = true }],
            ManagedFields = [new() { Manager = "m", Operation = "Update", Time = DateTimeOffset.UnixEpoch, FieldsType = "FieldsV1" }],
        },
        Spec = pod.Spec with
        {
            // The mount is each Pod's own, as the server gives it.
            Containers = [new() { Name = "main", Image = image, Env = [new() { Name = "MODE", Value = "production" }], Ports = [new() { ContainerPortValue = 80 }], VolumeMounts = [new() { Name = "token-" + i, MountPath = "/token" }] }],
            Volumes = [new() { Name = "token-" + i, Projected = new() { DefaultMode = 420, Sources = [new() { ServiceAccountToken = new() { Path = "token" } }] } }],
            Tolerations = [new() { Key = "k", Operator = "Exists" }],
        },
    } : pod;

    static List<Pod> Decoded(params Pod[] pods)
    {
        string body = $$"""{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"5"},"items":[{{string.Join(',', pods.Select(p => Encoding.UTF8.GetString(Hanbae.Api.Core.V1.Pod.Info.ToJson(p))))}}]}""";
        return [.. Decoding.Result(200, "application/json", Encoding.UTF8.GetBytes(body), []).List!.Items.Cast<Pod>()];
    }

    [Fact]
    public void Parts_that_are_alike_are_one_and_nothing_is_changed()
    {
        Pod[] sent = [Pod(1), Pod(2), Pod(3, "web:2")];
        var read = Decoded(sent);
        Assert.Equal(sent, read);
        var (a, b, c) = (read[0], read[1], read[2]);
        Assert.Same(a.Spec.Volumes[0].Projected, b.Spec.Volumes[0].Projected);
        Assert.Same(a.Spec.Containers[0].Env[0], b.Spec.Containers[0].Env[0]);
        Assert.Same(a.Metadata.OwnerReferences[0], b.Metadata.OwnerReferences[0]);
        Assert.Same(a.Metadata.ManagedFields[0], b.Metadata.ManagedFields[0]);
        Assert.Same(a.Spec.Tolerations[0], c.Spec.Tolerations[0]);
        Assert.NotSame(a.Spec.Containers[0], c.Spec.Containers[0]);
    }

    [Fact]
    public void A_watch_shares_as_well()
    {
        var pods = ((int[])[1, 2]).Select(i => (Pod)Decoding.Event(Encoding.UTF8.GetBytes($$"""{"type":"ADDED","object":{{Encoding.UTF8.GetString(Hanbae.Api.Core.V1.Pod.Info.ToJson(Pod(i)))}}}"""), proto: false).Object).ToArray();
        Assert.Equal(Pod(2), pods[1]);
        Assert.Same(pods[0].Spec.Containers[0].Ports[0], pods[1].Spec.Containers[0].Ports[0]);
    }

    [Fact]
    public async Task A_factory_keeps_what_its_transform_leaves()
    {
        var api = new Kit.FakeApi();
        api.Put(Pod(1));
        var informers = new InformerFactory(api, TimeProvider.System);
        informers.Transform<Pod>(Lean.WithoutManagedFields);
        var pods = informers.Cache<Pod>();
        using var stop = new CancellationTokenSource();
        var running = informers.RunAsync(stop.Token);
        await pods.WhenSyncedAsync(stop.Token).WaitAsync(TimeSpan.FromSeconds(60));
        var kept = Assert.Single(pods.All);
        Assert.Empty(kept.Metadata.ManagedFields);
        Assert.Equal("web", kept.Metadata.OwnerReferences[0].Name);
        Assert.Throws<InvalidOperationException>(() => informers.Transform<Pod>(p => p));
        await stop.CancelAsync();
        await running;
    }
}
