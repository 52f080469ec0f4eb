using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Meta.V1;
using Hanbae.Api.Policy.V1;
using Hanbae.Client;
using Hanbae.Controllers.Ownership;
using Hanbae.Controllers.Pods;

namespace Hanbae.Controllers.Tests.Pods;

/// <summary>Who chooses whom is found by labels, and nobody is left out who would be found by looking at all.</summary>
public sealed class PodLabelsTests
{
    static SharedCache<T> Cache<T>(params T[] objects) where T : class, IObject<T>
    {
        var cache = new SharedCache<T>();
        cache.Apply(new(SyncKind.Init));
        foreach (var obj in objects) cache.Apply(new(SyncKind.InitItem, obj));
        cache.Apply(new(SyncKind.InitDone));
        return cache;
    }

    static Pod Pod(string name, string app, ReplicaSetName? of = null) => Make.Pod(name, app) is var pod && of is null ? pod : pod with { Metadata = pod.Metadata with { OwnerReferences = [new() { Controller = true, Uid = of!.Uid }] } };

    sealed record ReplicaSetName(string Uid);

    static LabelSelector Says(string key, string op, params string[] values) => new() { MatchExpressions = [new() { Key = key, Operator = op, Values = [.. values] }] };

    public static TheoryData<LabelSelector> Selectors => new()
    {
        { new() { MatchLabels = Map.Of(("app", "web")) } }, { Says("app", "In", "web") }, { Says("app", "In", "web", "db") }, { Says("app", "NotIn", "db") }, { Says("app", "Exists") },
        { Says("tier", "DoesNotExist") }, { new() }, { Says("pod-template-hash", "In", "x") },
    };

    [Theory, MemberData(nameof(Selectors))]
    public void Near_holds_all_that_match(LabelSelector wanted)
    {
        var pods = Cache([.. Enumerable.Range(0, 9).Select(i => Pod($"p{i}", i % 3 == 0 ? "web" : i % 3 == 1 ? "db" : "else", i % 2 == 0 ? new("u") : null))]);
        pods.IndexLabels();
        pods.IndexControllers();
        var selector = wanted.ToSelector();
        string Names(IEnumerable<Pod> some) => string.Join(' ', some.Where(p => selector.Matches(p.Metadata.Labels)).Select(p => p.Metadata.Name).Order());
        Assert.Equal(Names(pods.All), Names(pods.Near("default", selector)));
        Assert.Equal(Names(pods.All.Where(p => p.Controller is null)), Names(pods.OrphansNear("default", selector)));
        Assert.Empty(pods.Near("elsewhere", selector));
    }

    [Theory, MemberData(nameof(Selectors))]
    public void Who_may_choose_a_Pod_is_found_once(LabelSelector wanted)
    {
        var budgets = Cache(new PodDisruptionBudget { Metadata = new() { Name = "b", Namespace = "default" }, Spec = new() { Selector = wanted } });
        budgets.IndexSelectors(b => b.Spec.Selector);
        foreach (string app in (string[])["web", "db", "else"])
        {
            var labels = Map.Of(("app", app), ("pod-template-hash", "x"));
            Assert.Equal(wanted.ToSelector().Matches(labels), budgets.MayChoose("default", labels).Count(b => b.Spec.Selector.ToSelector().Matches(labels)) == 1);
        }
        Assert.Empty(budgets.MayChoose("elsewhere", Map.Of(("app", "web"))));
    }

    [Fact]
    public void What_is_looked_at_does_not_grow_with_what_is_not_meant()
    {
        var pods = Cache([.. Enumerable.Range(0, 1000).Select(i => Pod($"p{i}", "app-" + i % 100))]);
        pods.IndexLabels();
        pods.IndexControllers();
        var selector = new LabelSelector { MatchLabels = Map.Of(("app", "app-7")) }.ToSelector();
        Assert.Equal((10, 10), (pods.Near("default", selector).Count, pods.OrphansNear("default", selector).Count));
    }
}
