using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Cri.Devices;
using Hanbae.Kubelet.Devices;
using Hanbae.Machinery.Figures;
using static Hanbae.Kubelet.Tests.Devices.ClaimRig;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Kubelet.Tests.Devices;

public sealed class DynamicResourcesTests : IAsyncLifetime
{
    readonly ClaimRig _rig = new();

    public Task InitializeAsync() => Task.CompletedTask;
    public Task DisposeAsync() => _rig.DisposeAsync().AsTask();

    async Task<string> RefusedAsync(Pod pod)
    {
        string message = (await Assert.ThrowsAsync<DeviceException>(() => _rig.Claims.PrepareAsync(pod, default))).Message;
        Assert.StartsWith("prepare dynamic resources: ", message);
        return message["prepare dynamic resources: ".Length..];
    }

    string[] Cdi(Pod pod) => [.. _rig.Claims.CdiOf(pod, pod.Spec.Containers[0])];

    [Fact]
    public async Task A_claim_is_made_ready_once_and_taken_back_with_its_Pod()
    {
        var driver = await _rig.AddAsync();
        var pod = PodWith("c");
        var claim = _rig.Allocate("c", Name, pod);
        await _rig.Claims.PrepareAsync(pod, default);
        await _rig.Claims.PrepareAsync(pod, default);
        Assert.Equal(["prepare c"], driver.Asked);
        Assert.Equal([$"{Name}/gpu={claim.Metadata.Uid}-gpu"], Cdi(pod));
        await _rig.Claims.UnprepareAsync(pod.Metadata.Uid, default);
        await _rig.Claims.UnprepareAsync(pod.Metadata.Uid, default);
        Assert.Equal(["prepare c", "unprepare c"], driver.Asked);
        Assert.Empty(_rig.Claims.Book.All);
    }

    [Theory]
    [InlineData(DraMethods.V1)]
    [InlineData(DraMethods.V1Beta1)]
    public async Task Drivers_of_either_version_are_spoken_to_in_theirs(string version)
    {
        var driver = await _rig.AddAsync(versions: version);
        var pod = PodWith("c");
        _rig.Allocate("c", Name, pod);
        await _rig.Claims.PrepareAsync(pod, default);
        Assert.Single(driver.Ready);
    }

    [Fact]
    public async Task A_shared_claim_stays_ready_until_the_last_of_its_Pods_has_ended()
    {
        var driver = await _rig.AddAsync();
        var (one, two) = (PodWith("c"), PodWith("c"));
        _rig.Allocate("c", Name, one, two);
        await Task.WhenAll(_rig.Claims.PrepareAsync(one, default), _rig.Claims.PrepareAsync(two, default));
        Assert.Equal(["prepare c"], driver.Asked);
        await _rig.Claims.UnprepareAsync(one.Metadata.Uid, default);
        Assert.Single(driver.Ready);
        Assert.Single(Cdi(two));
        await _rig.Claims.UnprepareAsync(two.Metadata.Uid, default);
        Assert.Empty(driver.Ready);
    }

    [Fact]
    public async Task A_claim_is_not_taken_back_while_another_Pod_has_it_made_ready()
    {
        var driver = await _rig.AddAsync();
        var (ends, comes) = (PodWith("c"), PodWith("c"));
        _rig.Allocate("c", Name, ends, comes);
        await _rig.Claims.PrepareAsync(ends, default);
        var (begun, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        driver.Fails = async (call, _) =>
        {
            if (call != "unprepare") return "";
            begun.TrySetResult();
            await gate.Task;
            return "";
        };
        var ending = _rig.Claims.UnprepareAsync(ends.Metadata.Uid, default);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var coming = _rig.Claims.PrepareAsync(comes, default);
        gate.SetResult();
        await Task.WhenAll(ending, coming);
        Assert.Equal(["prepare c", "unprepare c", "prepare c"], driver.Asked);
        Assert.Single(Cdi(comes));
    }

    [Fact]
    public async Task Refusals_are_in_upstreams_words_and_leave_nothing_to_take_back()
    {
        var (pod, other) = (PodWith("c"), PodWith("c"));
        Assert.StartsWith("fetch ResourceClaim c: ", await RefusedAsync(pod));
        var claim = _rig.Allocate("c", Name, other);
        Assert.Equal($"pod {pod.Metadata.Name} ({pod.Metadata.Uid}) is not allowed to use ResourceClaim c ({claim.Metadata.Uid})", await RefusedAsync(pod));
        _rig.Allocate("c", Name, pod);
        Assert.Equal($"DRA driver {Name} is not registered", await RefusedAsync(pod));
        var template = pod with { Spec = pod.Spec with { ResourceClaims = [new() { Name = "my-c", ResourceClaimTemplateName = "t" }] } };
        Assert.Equal($"pod \"default/{pod.Metadata.Name}\": ResourceClaim not created yet", await RefusedAsync(template));
        template = template with { Status = new() { ResourceClaimStatuses = [new() { Name = "my-c", ResourceClaimName = "c" }] } };
        Assert.Equal($"ResourceClaim default/c was not created for pod default/{pod.Metadata.Name} (pod is not owner)", await RefusedAsync(template));
        Assert.Empty(_rig.Claims.Book.All);
        await _rig.Claims.UnprepareAsync(pod.Metadata.Uid, default);
    }

    [Fact]
    public async Task A_template_for_which_no_claim_was_needed_asks_nobody()
    {
        var pod = PodWith("c");
        pod = pod with { Spec = pod.Spec with { ResourceClaims = [new() { Name = "my-c", ResourceClaimTemplateName = "t" }] }, Status = new() { ResourceClaimStatuses = [new() { Name = "my-c" }] } };
        await _rig.Claims.PrepareAsync(pod, default);
        Assert.Empty(Cdi(pod));
    }

    [Fact]
    public async Task What_a_driver_refuses_or_forgets_is_an_error_and_tried_again()
    {
        var driver = await _rig.AddAsync();
        var pod = PodWith("c");
        _rig.Allocate("c", Name, pod);
        driver.Fails = (_, _) => Task.FromResult("no such luck");
        Assert.Equal("NodePrepareResources failed for ResourceClaim c: no such luck", await RefusedAsync(pod));
        (driver.Skips, driver.Fails) = (true, (_, _) => Task.FromResult(""));
        Assert.Equal("NodePrepareResources skipped 1 ResourceClaims", await RefusedAsync(pod));
        driver.Skips = false;
        await _rig.Claims.PrepareAsync(pod, default);
        driver.Fails = (_, _) => Task.FromResult("still there");
        var e = await Assert.ThrowsAsync<DeviceException>(() => _rig.Claims.UnprepareAsync(pod.Metadata.Uid, default));
        Assert.Equal("unprepare dynamic resources: NodeUnprepareResources failed for ResourceClaim c: still there", e.Message);
        driver.Fails = (_, _) => Task.FromResult("");
        await _rig.Claims.UnprepareAsync(pod.Metadata.Uid, default);
        Assert.Empty(_rig.Claims.Book.All);
    }

    [Fact]
    public async Task A_kubelet_killed_after_the_claim_was_ready_goes_on_without_asking_again()
    {
        var driver = await _rig.AddAsync();
        var pod = PodWith("c");
        _rig.Allocate("c", Name, pod);
        await _rig.Claims.PrepareAsync(pod, default);
        string[] before = Cdi(pod);
        _rig.Restart();
        await _rig.RegisterAsync();
        await _rig.Claims.PrepareAsync(pod, default);
        Assert.Equal(before, Cdi(pod));
        Assert.Equal(["prepare c"], driver.Asked);
    }

    [Fact]
    public async Task A_kubelet_killed_while_the_driver_was_asked_takes_the_claim_back_with_its_Pod()
    {
        var driver = await _rig.AddAsync();
        var pod = PodWith("c");
        _rig.Allocate("c", Name, pod);
        var begun = new TaskCompletionSource();
        driver.Fails = async (call, _) =>
        {
            if (call == "prepare" && begun.TrySetResult()) await Task.Delay(Timeout.Infinite, _gone.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return "";
        };
        var killed = _rig.Claims.PrepareAsync(pod, _gone.Token);
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(60));
        byte[] kept = await File.ReadAllBytesAsync(_rig.Book);
        await _gone.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => killed);
        await File.WriteAllBytesAsync(_rig.Book, kept);
        _rig.Restart();
        await _rig.RegisterAsync();
        await _rig.Claims.UnprepareAsync(pod.Metadata.Uid, default);
        Assert.Contains("unprepare c", driver.Asked);
        Assert.Empty(_rig.Claims.Book.All);
    }

    readonly CancellationTokenSource _gone = new();

    [Fact]
    public async Task A_claim_made_anew_under_the_same_name_waits_for_the_old_ones_end()
    {
        await _rig.AddAsync();
        var (before, after) = (PodWith("c"), PodWith("c"));
        var old = _rig.Allocate("c", Name, before);
        await _rig.Claims.PrepareAsync(before, default);
        await _rig.Api.DeleteAsync<ResourceClaim>(new("default", "c"), Api.Meta.V1.DeleteOptions.Empty, default);
        _rig.Allocate("c", Name, after);
        Assert.Equal($"old ResourceClaim with same name c and different UID {old.Metadata.Uid} still exists (previous pod force-deleted?!)", await RefusedAsync(after));
        await _rig.Claims.UnprepareAsync(before.Metadata.Uid, default);
        await _rig.Claims.PrepareAsync(after, default);
    }

    [Fact]
    public async Task Containers_get_the_requests_that_they_name_and_extended_resources_their_own()
    {
        var driver = await _rig.AddAsync();
        driver.Requests = _ => ["a", "b"];
        var pod = PodWith("c");
        Container Using(string request) => new() { Name = request, Resources = new() { Claims = [new() { Name = "my-c", Request = request }] } };
        var extended = PluginRig.Wants("ext", 1);
        pod = pod with
        {
            Spec = pod.Spec with { Containers = [Using("a"), Using("b"), Using(""), extended, new() { Name = "none" }] },
            Status = new() { ExtendedResourceClaimStatus = new() { ResourceClaimName = "e", RequestMappings = [new() { ContainerName = "ext", ResourceName = PluginRig.Gpu, RequestName = "b" }] } },
        };
        var (claim, other) = (_rig.Allocate("c", Name, pod), _rig.Allocate("e", Name, pod));
        await _rig.Claims.PrepareAsync(pod, default);
        string Of(int i) => string.Join(' ', _rig.Claims.CdiOf(pod, pod.Spec.Containers[i]).Select(id => id.Split('=')[1].Replace(claim.Metadata.Uid, "c").Replace(other.Metadata.Uid, "e")));
        Assert.Equal(("c-a", "c-b", "c-a c-b", "e-b", ""), (Of(0), Of(1), Of(2), Of(3), Of(4)));
    }

    [Fact]
    public async Task Claims_of_Pods_that_went_unseen_are_taken_back_in_time()
    {
        var driver = await _rig.AddAsync();
        var (gone, there) = (PodWith("c"), PodWith("d"));
        _rig.Allocate("c", Name, gone);
        _rig.Allocate("d", Name, there);
        await _rig.Claims.PrepareAsync(gone, default);
        await _rig.Claims.PrepareAsync(there, default);
        using var stop = new CancellationTokenSource();
        int set = _rig.Time.Set;
        var loop = _rig.Claims.RunAsync(uid => uid == there.Metadata.Uid, stop.Token);
        await _rig.Time.WhenSetAsync(set + 1);
        _rig.Time.Advance(TimeSpan.FromSeconds(60));
        await Waiting.UntilAsync("the claim taken back", () => _rig.Claims.Book.All.Count == 1);
        Assert.Equal("d", Assert.Single(driver.Ready).Value);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
    }

    [Fact]
    public async Task Metrics_have_upstreams_names()
    {
        await _rig.AddAsync();
        var pod = PodWith("c");
        _rig.Allocate("c", Name, pod);
        await _rig.Claims.PrepareAsync(pod, default);
        var text = new PrometheusText();
        _rig.Metrics.Render(text, _rig.Claims.InUse());
        string told = text.ToString();
        foreach (string line in (string[])
                 [
                     "dra_operations_duration_seconds_count{is_error=\"false\",operation_name=\"PrepareResources\"} 1\n",
                     $"dra_grpc_operations_duration_seconds_count{{driver_name=\"{Name}\",grpc_status_code=\"OK\",method_name=\"/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources\"}} 1\n",
                     "dra_resource_claims_in_use{driver_name=\"<any>\"} 1\n", $"dra_resource_claims_in_use{{driver_name=\"{Name}\"}} 1\n",
                 ]) Assert.Contains(line, told);
    }
}
