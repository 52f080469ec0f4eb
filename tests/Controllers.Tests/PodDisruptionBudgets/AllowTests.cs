using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Api.Rest;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.PodDisruptionBudgets;

namespace Hanbae.Controllers.Tests.PodDisruptionBudgets;

public sealed class AllowTests
{
    static PodDisruptionBudget Budget(IntOrString? least = null, IntOrString? most = null) => new()
    {
        Metadata = new() { Name = "pdb", Namespace = "default", Uid = "uid-of-pdb", Generation = 1 },
        Spec = new() { Selector = new() { MatchLabels = Map.Of(("app", "web")) }, MinAvailable = least, MaxUnavailable = most },
    };

    static Pod[] Pods(int ready, int not = 0, Api.Apps.V1.ReplicaSet? of = null) =>
        [.. Enumerable.Range(0, ready).Select(i => Make.Pod("r" + i, node: "n", readySince: Make.Start, of: of)), .. Enumerable.Range(0, not).Select(i => Make.Pod("n" + i, node: "n", phase: "Running", of: of))];

    public static TheoryData<IntOrString?, IntOrString?, int, int, int, int, int> Cases => new()
    {
        { 2, null, 3, 0, 3, 2, 1 }, { 2, null, 1, 2, 3, 2, 0 }, { "50%", null, 3, 0, 5, 3, 0 }, { "50%", null, 5, 0, 5, 3, 2 },
        { null, 1, 3, 0, 3, 2, 1 }, { null, "30%", 10, 0, 10, 7, 3 }, { null, 0, 3, 0, 3, 3, 0 }, { null, 5, 3, 0, 3, 0, 3 }, { 0, null, 0, 0, 0, 0, 0 },
    };

    [Theory, MemberData(nameof(Cases))]
    public void A_budget_allows_what_is_healthy_beyond_what_it_asks_for(IntOrString? least, IntOrString? most, int ready, int not, int scale, int desired, int allowed)
    {
        var status = BudgetPlan.For(Budget(least, most), Pods(ready, not), scale, Make.Start).Status;
        Assert.Equal((ready, desired, scale, allowed), (status.CurrentHealthy, status.DesiredHealthy, status.ExpectedPods, status.DisruptionsAllowed));
        Assert.Equal(("DisruptionAllowed", allowed > 0 ? "True" : "False", allowed > 0 ? "SufficientPods" : "InsufficientPods"), (status.Conditions[0].Type, status.Conditions[0].Status, status.Conditions[0].Reason));
    }

    [Fact]
    public void An_eviction_that_was_allowed_counts_for_two_minutes()
    {
        var budget = Budget(1);
        budget = budget with { Status = budget.Status with { DisruptedPods = Map.Of<DateTimeOffset?>(("r0", Make.Start), ("gone", Make.Start)) } };
        var soon = BudgetPlan.For(budget, Pods(2), 2, Make.Start.AddSeconds(60));
        Assert.Equal((1, 0, Make.Start.AddMinutes(2)), (soon.Status.CurrentHealthy, soon.Status.DisruptionsAllowed, soon.CheckAt));
        Assert.Equal("r0", Assert.Single(soon.Status.DisruptedPods).Key);

        var late = BudgetPlan.For(budget, Pods(2), 2, Make.Start.AddSeconds(121));
        Assert.Equal((2, 1), (late.Status.CurrentHealthy, late.Status.DisruptionsAllowed));
        Assert.Equal("r0", Assert.Single(late.Late).Metadata.Name);
    }

    [Fact]
    public async Task A_budget_that_sets_no_bound_allows_nothing()
    {
        await using var cluster = new TestCluster(["disruption"], api => { foreach (var pod in Pods(3)) api.Put(pod); });
        cluster.Api.Put(Budget());
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status is { CurrentHealthy: 3, ExpectedPods: 0, DesiredHealthy: 0, DisruptionsAllowed: 0 });
    }

    [Fact]
    [Trait("Conformance", "[sig-apps] DisruptionController should create a PodDisruptionBudget [Conformance]")]
    [Trait("Conformance", "[sig-apps] DisruptionController should observe PodDisruptionBudget status updated [Conformance]")]
    public async Task The_status_follows_Pods_and_what_their_controllers_ask_for()
    {
        var set = Make.ReplicaSet("web", 4);
        await using var cluster = new TestCluster(["disruption"], api => { api.Put(set); foreach (var pod in Pods(3, 1, set)) api.Put(pod); });
        cluster.Api.Put(Budget(most: 2));
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status is { ExpectedPods: 4, DesiredHealthy: 2, CurrentHealthy: 3, DisruptionsAllowed: 1, ObservedGeneration: 1 });
        cluster.Api.Change<Pod>("n0", p => p.Ready());
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status is { CurrentHealthy: 4, DisruptionsAllowed: 2 });
        cluster.Api.Change<Api.Apps.V1.ReplicaSet>("web", s => s with { Spec = s.Spec with { Replicas = 6 } });
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status is { ExpectedPods: 6, DesiredHealthy: 4, DisruptionsAllowed: 0 });
    }

    /// <summary>An API with one more kind, that these tests alone know.</summary>
    static TestCluster WithWidgets(Pod[] pods) => new(["disruption"], api =>
    {
        ApiResult? Json(string text) => new() { Code = 200, Body = System.Text.Encoding.UTF8.GetBytes(text) };
        api.Intercept = r => r.Path switch
        {
            "/apis/example.com/v1" => Json("""{"kind":"APIResourceList","resources":[{"name":"widgets/scale","kind":"Scale"},{"name":"widgets","kind":"Widget"}]}"""),
            "/apis/example.com/v1/namespaces/default/widgets/w/scale" => Json("""{"kind":"Scale","metadata":{"uid":"uid-of-w"},"spec":{"replicas":7}}"""),
            "/apis/example.com/v1/namespaces/default/widgets/gone/scale" => new() { Code = 404 },
            _ => null,
        };
        foreach (var pod in pods) api.Put(pod);
    });

    static Pod Widget(string of) => Make.Pod("a", node: "n", readySince: Make.Start) is var pod ? pod with
    {
        Metadata = pod.Metadata with { OwnerReferences = [new() { ApiVersion = "example.com/v1", Kind = "Widget", Name = of, Uid = "uid-of-" + of, Controller = true }] },
    } : null!;

    [Fact]
    public async Task A_Pod_of_several_budgets_is_told_so_and_counts_for_each()
    {
        await using var cluster = new TestCluster(["disruption"], api =>
        {
            api.Put(Budget(least: 1));
            // By an expression, and by nothing at all: all that may choose a Pod is found.
            foreach (var (name, selector) in ((string, Api.Meta.V1.LabelSelector)[])[("in", new() { MatchExpressions = [new() { Key = "app", Operator = "In", Values = ["db", "web"] }] }), ("all", new())])
                api.Put(Budget(least: 1) is var b ? b with { Metadata = b.Metadata with { Name = name, Uid = "uid-of-" + name }, Spec = b.Spec with { Selector = selector } } : b);
        });
        await cluster.UntilAsync(api => api.All<PodDisruptionBudget>().All(b => b.Status.ObservedGeneration == 1));
        foreach (var pod in Pods(2)) cluster.Api.Put(pod);
        await cluster.UntilAsync(api => api.All<PodDisruptionBudget>().All(b => b.Status is { CurrentHealthy: 2, DisruptionsAllowed: 1 }));
        Assert.Contains(cluster.Events.Told, e => e.Reason == "MultiplePodDisruptionBudgets" && e.Message.StartsWith("Pod \"default\"/\"r0\" matches multiple PodDisruptionBudgets.  Chose \"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_custom_controller_is_asked_for_its_scale()
    {
        await using var cluster = WithWidgets([Widget("w")]);
        cluster.Api.Put(Budget(most: "50%"));
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status is { ExpectedPods: 7, DesiredHealthy: 3, CurrentHealthy: 1 });
    }

    [Fact]
    public async Task What_a_stranger_controls_allows_nothing_and_is_told()
    {
        await using var cluster = WithWidgets([Widget("gone")]);
        cluster.Api.Put(Budget(most: 1));
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status.Conditions.Exists(c => c is { Reason: "SyncFailed", Status: "False" }));
        Assert.Contains(("CalculateExpectedPodCountFailed", "Failed to calculate the number of expected pods: found no controllers for pod \"a\""), cluster.Events.Told);
    }

    [Fact]
    public async Task A_disruption_that_nothing_came_of_is_taken_back()
    {
        var pod = Make.Pod("a", node: "n", phase: "Running");
        await using var cluster = new TestCluster(["disruption"]) { Creep = TimeSpan.FromSeconds(1) };
        pod = pod with { Metadata = pod.Metadata with { Generation = 4 } };
        cluster.Api.Put(pod with { Status = pod.Status with { Conditions = [new PodCondition { Type = "DisruptionTarget", Status = "True", Reason = "EvictionByEvictionAPI", Message = "Eviction API: evicting", LastTransitionTime = Make.Start }] } });
        // What a node's agent ends takes as long as it takes.
        cluster.Api.Put(Make.Pod("b", node: "n", phase: "Running") is var b ? b with
        {
            Status = b.Status with { Conditions = [new PodCondition { Type = "DisruptionTarget", Status = "True", Reason = "TerminationByKubelet", LastTransitionTime = Make.Start.AddHours(-1) }] },
        } : null!);
        await cluster.UntilAsync(api => api.Find<Pod>("a")!.Status.Conditions[0].Status == "False");
        Assert.True(cluster.Time.GetUtcNow() >= Make.Start.AddMinutes(2));
        var calm = cluster.Api.Find<Pod>("a")!.Status.Conditions[0];
        Assert.Equal(("", "", true), (calm.Reason, calm.Message, calm.ObservedGeneration > 0));
        Assert.Equal("True", cluster.Api.Find<Pod>("b")!.Status.Conditions[0].Status);
    }

    [Fact]
    public async Task A_set_under_another_owner_than_a_Deployment_speaks_for_itself()
    {
        var set = Make.ReplicaSet("web", 4) is var s ? s with { Metadata = s.Metadata with { OwnerReferences = [new() { ApiVersion = "example.com/v1", Kind = "Rollout", Name = "r", Uid = "uid-of-r", Controller = true }] } } : null!;
        await using var cluster = new TestCluster(["disruption"], api => { api.Put(set); foreach (var pod in Pods(3, 1, set)) api.Put(pod); });
        cluster.Api.Put(Budget(most: 2));
        await cluster.UntilAsync(api => api.Find<PodDisruptionBudget>("pdb")!.Status is { ExpectedPods: 4, DesiredHealthy: 2 });
    }

    [Fact]
    public void What_could_not_be_worked_out_says_nothing_of_the_spec()
    {
        var unknown = BudgetPlan.Unknown(Budget(1) with { Status = new() { ObservedGeneration = 7, DisruptionsAllowed = 3 } }, "no", Make.Start);
        Assert.Equal((7L, 0, 7L), (unknown.ObservedGeneration, unknown.DisruptionsAllowed, unknown.Conditions[0].ObservedGeneration));
    }

    [Fact]
    public void A_selector_is_shown_as_Go_shows_it() => Assert.Equal(
        "&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:c,Operator:In,Values:[d e],},},}",
        new Api.Meta.V1.LabelSelector { MatchLabels = Map.Of(("a", "b")), MatchExpressions = [new() { Key = "c", Operator = "In", Values = ["d", "e"] }] }.AsGo());
}
