using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Resource.V1;
using Hanbae.Controllers.ResourceQuotas;
using ResourceClaim = Hanbae.Api.Resource.V1.ResourceClaim;

namespace Hanbae.Controllers.Tests.ResourceQuotas;

public sealed class CountTests
{
    static readonly GroupResource Pods = new("", "pods");

    static ResourceQuota Quota(params (string Name, string Amount)[] hard) => new()
    {
        Metadata = new() { Name = "q", Namespace = "default", Uid = "uid-of-q" },
        Spec = new() { Hard = Amounts(hard) },
    };

    static Map<Quantity> Amounts(params (string Name, string Amount)[] of) => of.Select(a => KeyValuePair.Create(a.Name, Quantity.Parse(a.Amount))).ToMap();

    static Pod Pod(string name, string cpu, string phase = "Running") => Make.Pod(name, phase: phase) is var pod ? pod with
    {
        Spec = pod.Spec with { Containers = [new() { Name = "main", Image = "i", Resources = new() { Requests = Amounts(("cpu", cpu)) } }] },
    } : null!;

    static bool Uses(Kit.FakeApi api, params (string Name, string Amount)[] used) => api.Find<ResourceQuota>("q")?.Status.Used.Equals(Amounts(used)) == true;

    [Fact]
    public async Task What_goes_is_given_back()
    {
        await using var cluster = new TestCluster(["resourcequota"]);
        cluster.Api.Put(Pod("a", "100m"));
        cluster.Api.Put(Pod("b", "200m"));
        cluster.Api.Put(Quota(("pods", "10"), ("requests.cpu", "2")));
        await cluster.UntilAsync(api => Uses(api, ("pods", "2"), ("requests.cpu", "300m")));

        cluster.Api.Remove<Pod>("a");
        await cluster.UntilAsync(api => Uses(api, ("pods", "1"), ("requests.cpu", "200m")));

        // What has ended costs nothing.
        cluster.Api.Change<Pod>("b", p => p with { Status = p.Status with { Phase = "Succeeded" } });
        await cluster.UntilAsync(api => Uses(api, ("pods", "0"), ("requests.cpu", "0")));
    }

    [Fact]
    public async Task What_was_charged_and_never_made_is_given_back_when_the_quota_has_been_quiet()
    {
        await using var cluster = new TestCluster(["resourcequota"]) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Pod("a", "100m"));
        cluster.Api.Put(Quota(("pods", "10")));
        await cluster.UntilAsync(api => Uses(api, ("pods", "1")));
        var from = cluster.Time.GetUtcNow();

        cluster.Api.Change<ResourceQuota>("q", q => q with { Status = q.Status with { Used = Amounts(("pods", "3")) } });
        await cluster.UntilAsync(api => Uses(api, ("pods", "1")));
        Assert.True(cluster.Time.GetUtcNow() - from is var waited && waited >= TimeSpan.FromSeconds(10) && waited < TimeSpan.FromMinutes(5), $"it took {waited}");
    }

    [Fact]
    public async Task What_was_charged_a_moment_ago_is_not_taken_for_gone()
    {
        await using var cluster = new TestCluster(["resourcequota"]) { Creep = TestCluster.Hardly };
        cluster.Api.Put(Pod("a", "100m"));
        cluster.Api.Put(Pod("b", "100m"));
        cluster.Api.Put(Quota(("pods", "3"), ("requests.cpu", "1")));
        await cluster.UntilAsync(api => Uses(api, ("pods", "2"), ("requests.cpu", "200m")));

        // A third is charged and comes in a moment; meanwhile another goes.
        cluster.Api.Change<ResourceQuota>("q", q => q with { Status = q.Status with { Used = Amounts(("pods", "3"), ("requests.cpu", "250m")) } });
        await cluster.UntilAsync(api => Uses(api, ("pods", "3"), ("requests.cpu", "250m")));
        cluster.Api.Remove<Pod>("a");
        await cluster.UntilAsync(api => Uses(api, ("pods", "2"), ("requests.cpu", "150m")));
        cluster.Api.Put(Pod("c", "50m"));

        cluster.Api.Remove<Pod>("b");
        cluster.Creep = TimeSpan.FromMilliseconds(20);
        await cluster.UntilAsync(api => Uses(api, ("pods", "1"), ("requests.cpu", "50m")));
    }

    [Fact]
    public void What_was_charged_is_held_for_a_moment_and_no_longer()
    {
        var lately = new Lately(TimeSpan.FromSeconds(1));
        var (key, now) = (new Key("default", "q"), Make.Start);
        Map<Quantity> Pods(string count) => Amounts(("pods", count));
        // The first count is no charge.
        lately.Note(key, default, Pods("5"), now);
        Assert.Equal((Pods("4"), null), lately.Hold(key, Pods("5"), Pods("4"), now));

        lately.Note(key, Pods("5"), Pods("7"), now);
        lately.Note(key, Pods("7"), Pods("6"), now);
        lately.Note(key, Pods("6"), Pods("7"), now.AddMilliseconds(500));
        Assert.Equal((Pods("5"), now.AddMilliseconds(1500)), lately.Hold(key, Pods("7"), Pods("2"), now.AddMilliseconds(600)));
        Assert.Equal((Pods("7"), now.AddMilliseconds(1500)), lately.Hold(key, Pods("7"), Pods("5"), now.AddMilliseconds(600)));
        Assert.Equal((Pods("8"), null), lately.Hold(key, Pods("7"), Pods("8"), now.AddMilliseconds(600)));
        Assert.Equal((Pods("3"), now.AddMilliseconds(1500)), lately.Hold(key, Pods("7"), Pods("2"), now.AddMilliseconds(1000)));
        Assert.Equal((Pods("2"), null), lately.Hold(key, Pods("7"), Pods("2"), now.AddMilliseconds(1500)));
    }

    [Fact]
    public async Task What_came_while_it_was_counted_for_the_first_time_is_counted_soon()
    {
        await using var cluster = new TestCluster(["resourcequota"]) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Put(Quota(("pods", "10")));
        await cluster.UntilAsync(api => Uses(api, ("pods", "0")));
        var from = cluster.Time.GetUtcNow();

        // Nobody charged it: the quota had no status yet.
        cluster.Api.Put(Pod("a", "100m"));
        await cluster.UntilAsync(api => Uses(api, ("pods", "1")));
        Assert.True(cluster.Time.GetUtcNow() - from < TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task A_Pod_that_should_be_gone_stops_to_cost_without_any_change()
    {
        await using var cluster = new TestCluster(["resourcequota"]) { Creep = TimeSpan.FromSeconds(1) };
        cluster.Api.Graceful = static _ => true;
        cluster.Api.Put(Quota(("requests.cpu", "2"), ("count/pods", "5")));
        cluster.Api.Put(Pod("a", "100m"));
        await cluster.UntilAsync(api => Uses(api, ("requests.cpu", "100m"), ("count/pods", "1")));

        var end = cluster.Time.GetUtcNow().AddSeconds(30);
        cluster.Api.Change<Pod>("a", p => p with { Metadata = p.Metadata with { DeletionTimestamp = end.AddSeconds(-30), DeletionGracePeriodSeconds = 30 } });
        await cluster.UntilAsync(api => Uses(api, ("requests.cpu", "0"), ("count/pods", "1")));
        Assert.True(cluster.Time.GetUtcNow() > end);
    }

    /// <summary>By the class it is seen what else a claim costs, and by the Pod what of that is paid for: both may be seen late.</summary>
    [Fact]
    public async Task A_class_or_a_Pod_that_is_seen_later_than_the_claim_corrects_its_cost()
    {
        const string Named = "requests.example.com/gpu", Implicit = "requests.deviceclass.resource.kubernetes.io/gpu";
        await using var cluster = new TestCluster(["resourcequota"]);
        cluster.Api.Put(new ResourceClaim
        {
            Metadata = new()
            {
                Name = "c", Namespace = "default", Uid = "uid-of-c", Annotations = Map.Of(("resource.kubernetes.io/extended-resource-claim", "true")),
                OwnerReferences = [new() { ApiVersion = "v1", Kind = "Pod", Name = "a", Uid = "uid-of-a", Controller = true }],
            },
            Spec = new() { Devices = new() { Requests = [new() { Name = "r", Exactly = new() { DeviceClassName = "gpu", AllocationMode = "ExactCount", Count = 2 } }] } },
        });
        cluster.Api.Put(Quota((Named, "9"), (Implicit, "9")));
        await cluster.UntilAsync(api => Uses(api, (Named, "0"), (Implicit, "2")));
        cluster.Api.Put(new DeviceClass { Metadata = new() { Name = "gpu" }, Spec = new() { ExtendedResourceName = "example.com/gpu" } });
        await cluster.UntilAsync(api => Uses(api, (Named, "2"), (Implicit, "2")));
        var pod = Make.Pod("a") with { Spec = new() { Containers = [new() { Name = "main", Resources = new() { Requests = Amounts(("deviceclass.resource.kubernetes.io/gpu", "2"), ("example.com/gpu", "1")) } }] } };
        cluster.Api.Put(pod);
        await cluster.UntilAsync(api => Uses(api, (Named, "3"), (Implicit, "2")));
        // Another claim is the Pod's: this one costs all that any other would.
        cluster.Api.Change<Pod>("a", p => p with { Status = p.Status with { ExtendedResourceClaimStatus = new() { ResourceClaimName = "d" } } });
        await cluster.UntilAsync(api => Uses(api, (Named, "3"), (Implicit, "4")));
    }

    [Fact]
    public void A_ledger_says_what_a_new_one_would()
    {
        int seed = Environment.TickCount;
        var random = new Random(seed);
        var quota = Quota(("pods", "100"), ("requests.cpu", "100"), ("count/pods", "100")) is var q ? q with { Spec = q.Spec with { Scopes = ["NotTerminating"] } } : null!;
        var ledger = new Ledger(quota, Pods, new(_ => null, _ => null));
        Dictionary<string, Pod> there = [];
        var now = Make.Start;
        for (int step = 0; step < 2_000; step++)
        {
            now = now.AddSeconds(random.Next(3));
            string name = "p" + random.Next(12);
            if (random.Next(4) == 0) { ledger.Remove("uid-of-" + name); there.Remove(name); }
            else
            {
                var pod = Pod(name, random.Next(1, 5) * 50 + "m", random.Next(5) == 0 ? "Failed" : "Running");
                if (random.Next(4) == 0) pod = pod with { Metadata = pod.Metadata with { DeletionTimestamp = now, DeletionGracePeriodSeconds = random.Next(6) } };
                if (random.Next(6) == 0) pod = pod with { Spec = pod.Spec with { ActiveDeadlineSeconds = 5 } };
                ledger.Set(there[name] = pod);
            }
            var other = new Ledger(quota, Pods, new(_ => null, _ => null));
            foreach (var pod in there.Values) other.Set(pod);
            var (sum, anew) = (ledger.Sum(now), other.Sum(now));
            foreach (string limited in (string[])["pods", "requests.cpu", "count/pods"])
                Assert.True(sum[limited] == anew[limited], $"{limited}: {sum[limited]} for {anew[limited]}; seed {seed}, step {step}");
        }
    }
}
