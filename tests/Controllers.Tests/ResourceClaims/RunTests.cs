using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Rest;
using Hanbae.Api.Resource.V1;
using Hanbae.Client;
using Hanbae.Controllers.ResourceClaims;
using Hanbae.Kit;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.Tests.ResourceClaims;

/// <summary>Claims come with the Pods that have templates for them, are held by who uses them, and are free when nobody does.</summary>
public sealed class RunTests
{
    static readonly string[] s_run = ["resourceclaim-controller"];

    static string? Told(FakeApi api, string pod) => api.Find<Pod>(pod)?.Status.ResourceClaimStatuses is [var one] ? one.ResourceClaimName : null;

    static ResourceClaim? Claim(FakeApi api, string name) => api.Find<ResourceClaim>(name);

    [Fact]
    public async Task A_Pod_gets_a_claim_of_its_own_from_the_template_and_is_told_its_name()
    {
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Template("t"));
            api.Put(Claims.Templated("p", "t"));
        });
        await cluster.UntilAsync(api => Told(api, "p") is not null);

        var claim = Assert.Single(cluster.Api.All<ResourceClaim>());
        Assert.Equal(Told(cluster.Api, "p"), claim.Metadata.Name);
        Assert.StartsWith("p-gpu-", claim.Metadata.Name);
        Assert.Equal(("kept", "gpu"), (claim.Metadata.Annotations["note"], claim.Metadata.Annotations["resource.kubernetes.io/pod-claim-name"]));
        Assert.Equal("a", claim.Metadata.Labels["team"]);
        Assert.Equal("gpu", claim.Spec.Devices.Requests[0].Exactly!.DeviceClassName);
        var owner = Assert.Single(claim.Metadata.OwnerReferences);
        Assert.Equal(("v1", "Pod", "p", "uid-of-p", true), (owner.ApiVersion, owner.Kind, owner.Name, owner.Uid, owner.Controller));
        Assert.Null(owner.BlockOwnerDeletion);
    }

    [Fact]
    public async Task A_claim_that_was_made_and_not_told_is_found_again()
    {
        bool refused = false;
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Template("t"));
            api.Put(Claims.Templated("p", "t"));
            api.Intercept = r =>
            {
                if (r.Method != "PATCH" || refused) return null;
                refused = true;
                return new ApiResult { Code = 500, Object = new Status { StatusValue = "Failure", Code = 500, Reason = "InternalError" } };
            };
        });
        await cluster.UntilAsync(api => Told(api, "p") is not null);
        Assert.True(refused);
        Assert.Single(cluster.Api.All<ResourceClaim>());
    }

    [Fact]
    public async Task Nothing_is_made_twice_while_the_caches_lag()
    {
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Template("t"));
            api.Put(Claims.Templated("p", "t"));
            api.Put(Claims.Templated("q", "t"));
            int patches = 0;
            // Nothing of what is made comes back until the words to the Pods were lost, and these are looked at again.
            api.Intercept = r =>
            {
                if (r.Method == "POST") api.HoldWatches();
                if (r.Method != "PATCH") return null;
                if (++patches == 2) api.ReleaseWatches();
                return patches <= 2 ? new ApiResult { Code = 500, Object = new Status { StatusValue = "Failure", Code = 500, Reason = "InternalError" } } : null;
            };
        });
        await cluster.UntilAsync(api => Told(api, "p") is not null && Told(api, "q") is not null);
        Assert.Equal(2, cluster.Api.All<ResourceClaim>().Count);
    }

    [Fact]
    public async Task A_template_that_is_not_there_is_told_and_waited_for()
    {
        await using var cluster = new TestCluster(s_run, api => api.Put(Claims.Templated("p", "t")));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(
            ("FailedResourceClaimCreation", "PodResourceClaim gpu: resource claim template \"t\": resourceclaimtemplate.resource.k8s.io \"t\" not found")));
        cluster.Api.Put(Claims.Template("t"));
        await cluster.UntilAsync(api => Told(api, "p") is not null);
    }

    [Fact]
    public async Task A_claim_that_was_deleted_is_made_again_and_the_Pod_told()
    {
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Template("t"));
            api.Put(Claims.Templated("p", "t"));
        });
        await cluster.UntilAsync(api => Told(api, "p") is not null);
        string first = Told(cluster.Api, "p")!;
        cluster.Api.Remove<ResourceClaim>(first);
        await cluster.UntilAsync(api => Told(api, "p") is { } name && name != first && Claim(api, name) is not null);
    }

    [Fact]
    public async Task A_claim_is_reserved_for_a_Pod_that_came_with_a_node_and_only_when_it_has_devices()
    {
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Claim("given").Allocated());
            api.Put(Claims.Claim("bare"));
            api.Put(Claims.Naming("placed", "n1", "bare", "given"));
            api.Put(Claims.Naming("unplaced", "", "given"));
        });
        await cluster.UntilAsync(api => !Claim(api, "given")!.Status.ReservedFor.IsEmpty);
        var consumer = Assert.Single(Claim(cluster.Api, "given")!.Status.ReservedFor);
        Assert.Equal(("", "pods", "placed", "uid-of-placed"), (consumer.ApiGroup, consumer.Resource, consumer.Name, consumer.Uid));
        Assert.Empty(Claim(cluster.Api, "bare")!.Status.ReservedFor);
    }

    [Fact]
    public async Task The_last_user_gone_the_devices_are_free_and_the_claim_may_be_deleted()
    {
        var (a, b) = (Claims.Naming("a", "n1", "c"), Claims.Naming("b", "n1", "c"));
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(a);
            api.Put(b);
            api.Put(Claims.Claim("c", a, b).Allocated());
        });
        cluster.Api.Remove<Pod>("a");
        await cluster.UntilAsync(api => Claim(api, "c")!.Status.ReservedFor.Count == 1);
        Assert.NotNull(Claim(cluster.Api, "c")!.Status.Allocation);

        cluster.Api.Change<Pod>("b", p => p with { Status = p.Status with { Phase = "Succeeded" } });
        await cluster.UntilAsync(api => Claim(api, "c") is { Metadata.Finalizers.IsEmpty: true });
        Assert.Null(Claim(cluster.Api, "c")!.Status.Allocation);
        Assert.Empty(Claim(cluster.Api, "c")!.Status.ReservedFor);
    }

    [Fact]
    public async Task A_user_that_the_cache_does_not_know_is_asked_after_before_it_is_taken_for_gone()
    {
        var pod = Claims.Naming("p", "n1", "c");
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Claim("c", pod).Allocated());
            api.Put(Claims.Claim("other", Claims.Naming("gone", "n1", "other")).Allocated());
        });
        await cluster.UntilAsync(api => Claim(api, "c")!.Status.Allocation is null && Claim(api, "other")!.Status.Allocation is null);

        cluster.Api.HoldWatches();
        cluster.Api.Put(pod);
        cluster.Api.Put(Claims.Claim("d", pod).Allocated());
        cluster.Api.Put(Claims.Claim("e", Claims.Naming("gone", "n1", "e")).Allocated());
        cluster.Api.ReleaseWatches();
        await cluster.UntilAsync(api => Claim(api, "e")!.Status.Allocation is null);
        await cluster.UntilAsync(api => api.Requests.Any(r => r.Method == "GET" && r.Path.EndsWith("/pods/gone", StringComparison.Ordinal)));
        Assert.NotNull(Claim(cluster.Api, "d")!.Status.Allocation);
    }

    [Fact]
    public async Task A_claim_made_for_a_Pod_goes_when_the_Pod_has_ended_though_it_is_still_there()
    {
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Put(Claims.Template("t"));
            api.Put(Claims.Templated("p", "t", "n1"));
        });
        await cluster.UntilAsync(api => Told(api, "p") is not null);
        string name = Told(cluster.Api, "p")!;
        cluster.Api.Change<ResourceClaim>(name, c => c.Allocated());
        await cluster.UntilAsync(api => Claim(api, name)!.Status.ReservedFor.Count == 1);

        cluster.Api.Change<Pod>("p", p => p with { Status = p.Status with { Phase = "Failed" } });
        await cluster.UntilAsync(api => Claim(api, name) is null);
        Assert.NotNull(cluster.Api.Find<Pod>("p"));
    }

    [Fact]
    public async Task A_claim_that_is_deleted_and_not_used_loses_its_devices_and_its_finalizer()
    {
        await using var cluster = new TestCluster(s_run, api => api.Put(Claims.Claim("c").Allocated()));
        await cluster.Client.DeleteAsync<ResourceClaim>(new("default", "c"), DeleteOptions.Empty, default);
        await cluster.UntilAsync(api => Claim(api, "c") is null);
    }

    [Fact]
    public void A_long_name_is_cut_so_that_something_of_both_is_left()
    {
        Assert.Equal("pod-claim-", ClaimDraft.Stem("pod", "claim"));
        Assert.Equal(new string('p', 52) + "-cla", ClaimDraft.Stem(new('p', 80), "claim"));
    }

    [Fact]
    public void What_is_allocated_and_was_never_used_stays_allocated()
    {
        var plan = ReleasePlan.For(Claims.Claim("c").Allocated(), [], null);
        Assert.Equal(new ReleasePlan(null, false, false), plan);
    }

    [Fact]
    public async Task A_claim_that_cannot_be_made_is_told_in_upstreams_words()
    {
        await using var cluster = new TestCluster(s_run, api =>
        {
            api.Intercept = r => r.Method == "POST" && r.Path.EndsWith("/resourceclaims", StringComparison.Ordinal)
                ? new() { Code = 403, Object = new Status { StatusValue = "Failure", Code = 403, Reason = "Forbidden", Message = "exceeded quota" } } : null;
            api.Put(Claims.Template("t"));
            api.Put(Claims.Templated("p", "t"));
        });
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("FailedResourceClaimCreation", "PodResourceClaim gpu: create ResourceClaim : exceeded quota")));
    }
}
