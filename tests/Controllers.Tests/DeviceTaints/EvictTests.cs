using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Controllers.DeviceTaints;
using Hanbae.Controllers.Tests.ResourceClaims;
using Hanbae.Kit;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;
using Rule = Hanbae.Api.Resource.V1beta2.DeviceTaintRule;

namespace Hanbae.Controllers.Tests.DeviceTaints;

/// <summary>Pods leave devices whose taints their claims do not bear, at the time that they have to and not before.</summary>
public sealed class EvictTests
{
    static readonly string[] s_run = ["device-taint-eviction-controller"];
    static readonly Pod s_pod = Claims.Naming("p", "n1", "c");

    static ResourceSlice Slice(string name, int generation, DateTimeOffset since, string? effect = "NoExecute", string pool = "n1") => new()
    {
        Metadata = new() { Name = name },
        Spec = new()
        {
            Driver = Claims.Driver, Pool = new() { Name = pool, Generation = generation, ResourceSliceCount = 1 },
            Devices = [new Device { Name = "gpu-0", Taints = effect is null ? [] : [new DeviceTaint { Key = "broken", Value = "yes", Effect = effect, TimeAdded = since }] }],
        },
    };

    static Rule RuleFor(string name, string effect, DateTimeOffset since, string? device = "gpu-0") => new()
    {
        Metadata = new() { Name = name, Uid = "uid-of-" + name },
        Spec = new() { DeviceSelector = new() { Driver = Claims.Driver, Device = device }, Taint = new() { Key = "broken", Effect = effect, TimeAdded = since } },
    };

    static DeviceToleration Bears(long? seconds, string effect = "NoExecute") => new() { Key = "broken", Operator = "Exists", Effect = effect, TolerationSeconds = seconds };

    static TestCluster Start(Action<FakeApi> before) => new(s_run, before) { Creep = TestCluster.Hardly };

    static void Put(FakeApi api, params DeviceToleration[] tolerations)
    {
        api.Put(s_pod);
        api.Put(Claims.Claim("c", s_pod).Allocated("n1", "gpu-0", tolerations));
        // One that goes at once: what has been looked at before it stayed.
        var other = Claims.Naming("other", "n2", "d");
        api.Put(other);
        api.Put(Claims.Claim("d", other).Allocated("n2"));
    }

    static bool IsThere(FakeApi api, string pod) => api.Find<Pod>(pod) is not null;
    static string? Said(FakeApi api, string rule, Func<Api.Meta.V1.Condition, string> what) => api.Find<Rule>(rule, "")!.Status.Conditions is [var one] ? what(one) : null;

    [Fact]
    public async Task A_taint_of_the_newest_generation_drives_off_at_once_and_marks_why()
    {
        Pod? marked = null;
        await using var cluster = Start(api =>
        {
            Put(api);
            api.Put(Slice("s", 1, Make.Start));
            api.Intercept = r =>
            {
                if (r.Method == "DELETE") marked = api.Find<Pod>("p");
                return null;
            };
        });
        await cluster.UntilAsync(api => !IsThere(api, "p"));
        Assert.Contains(("DeviceTaintManagerEviction", "Marking for deletion"), cluster.Events.Told);
        var condition = Assert.Single(marked!.Status.Conditions);
        Assert.Equal(("DisruptionTarget", "True", "DeletionByDeviceTaintManager", "Device Taint manager: deleting due to NoExecute taint"), (condition.Type, condition.Status, condition.Reason, condition.Message));
        Assert.True(IsThere(cluster.Api, "other"));
    }

    [Fact]
    public async Task What_an_older_generation_said_does_not_count()
    {
        await using var cluster = Start(api =>
        {
            Put(api);
            api.Put(Slice("old", 1, Make.Start));
            api.Put(Slice("new", 2, Make.Start, effect: null));
            api.Put(Slice("elsewhere", 1, Make.Start, pool: "n2"));
        });
        await cluster.UntilAsync(api => !IsThere(api, "other"));
        Assert.True(IsThere(cluster.Api, "p"));
    }

    [Fact]
    public async Task It_stays_as_long_as_it_bears_the_taint_and_is_told_when_it_need_not_go()
    {
        await using var cluster = Start(_ => { });
        var now = cluster.Time.GetUtcNow();
        Put(cluster.Api, Bears(5));
        cluster.Api.Put(Slice("s", 1, now));
        cluster.Api.Put(Slice("elsewhere", 1, now, pool: "n2"));
        await cluster.UntilAsync(api => !IsThere(api, "other"));
        await cluster.UntilAsync(_ => cluster.Time.NextDue <= TimeSpan.FromSeconds(5));
        cluster.Time.Advance(TimeSpan.FromSeconds(4));
        Assert.True(IsThere(cluster.Api, "p"));

        // The taint goes, and comes again: the time counts from when it came.
        cluster.Api.Put(Slice("s", 1, now, effect: null));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("DeviceTaintManagerEviction", "Cancelling deletion")));
        cluster.Api.Put(Slice("s", 1, cluster.Time.GetUtcNow()));
        cluster.Creep = TimeSpan.FromSeconds(1);
        await cluster.UntilAsync(api => !IsThere(api, "p"));
        Assert.True(cluster.Time.GetUtcNow() - now >= TimeSpan.FromSeconds(9));
    }

    [Fact]
    public async Task A_rule_drives_off_and_says_how_far_it_is()
    {
        await using var cluster = Start(api => Put(api));
        cluster.Creep = TimeSpan.FromMilliseconds(200);
        cluster.Api.Put(RuleFor("r", "NoExecute", cluster.Time.GetUtcNow()));
        await cluster.UntilAsync(api => !IsThere(api, "p") && !IsThere(api, "other"));
        await cluster.UntilAsync(api => Said(api, "r", c => $"{c.Type} {c.Status} {c.Reason} {c.Message}") == "EvictionInProgress False Completed 2 pods evicted since starting the controller.");
    }

    [Fact]
    public async Task A_rule_without_effect_tells_what_it_would_do_and_does_nothing()
    {
        await using var cluster = Start(api =>
        {
            Put(api);
            api.Put(Slice("s", 1, Make.Start, effect: null));
            api.Put(RuleFor("r", "None", Make.Start));
        });
        await cluster.UntilAsync(api => Said(api, "r", c => c.Reason) == "NoEffect");
        Assert.Equal("1 published device selected. 2 allocated devices selected. 2 pods would be evicted in 1 namespace if the effect was NoExecute. "
            + "This information will not be updated again. Recreate the DeviceTaintRule to trigger an update.", Said(cluster.Api, "r", c => c.Message));
        Assert.True(IsThere(cluster.Api, "p") && IsThere(cluster.Api, "other"));
    }

    [Fact]
    public async Task Where_no_rules_are_served_the_drivers_taints_count()
    {
        await using var cluster = Start(api =>
        {
            api.Intercept = r => r.Path.Contains("devicetaintrules", StringComparison.Ordinal)
                ? new Api.Rest.ApiResult { Code = 404, Object = new Api.Meta.V1.Status { StatusValue = "Failure", Code = 404, Reason = "NotFound" } } : null;
            Put(api);
            api.Put(Slice("s", 1, Make.Start));
        });
        await cluster.UntilAsync(api => !IsThere(api, "p"));
    }

    static Eviction? Of(DeviceTaint taint, params DeviceToleration[] tolerations) =>
        Eviction.Of(Claims.Claim("c").Allocated("n1", "gpu-0", tolerations).Status.Allocation!, _ => [taint], []);

    [Fact]
    public void Only_what_names_the_effect_bears_it_and_the_shortest_counts()
    {
        var taint = new DeviceTaint { Key = "broken", Value = "yes", Effect = "NoExecute", TimeAdded = Make.Start };
        Assert.Equal(Make.Start, Of(taint)!.Value.At);
        Assert.Equal(Make.Start, Of(taint, Bears(null, effect: ""))!.Value.At);
        Assert.Equal(Make.Start, Of(taint, Bears(null) with { Key = "other" })!.Value.At);
        Assert.Equal(Make.Start, Of(taint, Bears(-5))!.Value.At);
        Assert.Equal(Make.Start.AddSeconds(30), Of(taint, Bears(60), Bears(30))!.Value.At);
        Assert.Null(Of(taint, Bears(60), Bears(null)));
        Assert.Null(Of(taint, new DeviceToleration { Key = "broken", Operator = "Equal", Value = "yes", Effect = "NoExecute" }));
        Assert.NotNull(Of(taint, new DeviceToleration { Key = "broken", Operator = "Equal", Value = "no", Effect = "NoExecute" }));
        Assert.Null(Of(taint with { Effect = "NoSchedule" }));
        Assert.Equal(DateTimeOffset.MaxValue, Of(taint, Bears(long.MaxValue))!.Value.At);
    }

    [Theory]
    [InlineData("NoExecute", 0, 0, 0, "False", "NotStarted", "")]
    [InlineData("NoExecute", 1, 1, 0, "True", "PodsPendingEviction", "1 pod needs to be evicted in 1 namespace.")]
    [InlineData("NoExecute", 3, 2, 1, "True", "PodsPendingEviction", "3 pods need to be evicted in 2 different namespaces. 1 pod evicted since starting the controller.")]
    [InlineData("NoSchedule", 1, 1, 0, "False", "OtherEffect", "Eviction only happens for the NoExecute effect.")]
    public void A_rules_condition_is_upstreams(string effect, int pods, int namespaces, int evicted, string status, string reason, string message)
    {
        var said = Assert.Single(RuleCondition.Say(RuleFor("r", effect, Make.Start), new(0, 0, pods, namespaces), evicted, Make.Start).Status.Conditions);
        Assert.Equal((status, reason, message), (said.Status, said.Reason, said.Message));
    }
}
