using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Kit;
using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Tests.Extenders;

public sealed class ExtenderTests : IAsyncLifetime
{
    readonly Rig _rig = new();
    LittleExtender _extender = null!;
    FakeApi Api => _rig.Api;

    public async Task InitializeAsync()
    {
        _extender = await LittleExtender.StartAsync();
        foreach (string n in new[] { "n1", "n2", "n3" }) Api.Put(Make.Node(n, cpu: "2"));
    }

    public async Task DisposeAsync()
    {
        await _rig.DisposeAsync();
        await _extender.DisposeAsync();
    }

    static SchedulerConfiguration Config(string url, string rest) => SchedulerConfiguration.Parse($"""
        apiVersion: kubescheduler.config.k8s.io/v1
        kind: KubeSchedulerConfiguration
        extenders:
        - urlPrefix: {url}
        {string.Join('\n', rest.Split('\n').Select(l => "  " + l.Trim('\r')))}
        """);

    void Start(string rest) => _rig.Start(Config(_extender.Url, rest));

    static JsonArray Strings(params string[] names) => JsonArray.Of([.. names.Select(n => (JsonValue)n)]);
    Task SaysAsync(string pod, string reason, string part) => Api.UntilAsync(a => a.Find<Pod>(pod)!.Status.Conditions.Exists(c => c.Type == "PodScheduled" && c.Reason == reason && c.Message.Contains(part, StringComparison.Ordinal)), part, TimeSpan.FromSeconds(60));

    [Fact]
    public async Task It_leaves_those_of_the_nodes_by_name_that_it_wants()
    {
        _extender.Says = (_, _) => JsonObject.Of(("NodeNames", Strings("n2")), ("FailedNodes", JsonObject.Of(("n1", "full there"), ("n3", "full there"))));
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nnodeCacheCapable: true");
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n2")], _rig.Bound);
        var (verb, body) = Assert.Single(_extender.Asked);
        Assert.Equal("filter", verb);
        Assert.Equal("a", ((JsonString)((JsonObject)((JsonObject)body["Pod"]!)["metadata"]!)["name"]!).Value);
        Assert.Equal(3, ((JsonArray)body["NodeNames"]!).Count);
    }

    [Fact]
    public async Task Nodes_may_go_while_it_thinks()
    {
        int asked = 0;
        _extender.Says = (verb, body) =>
        {
            if (verb == "filter" && Interlocked.Increment(ref asked) == 1) { Api.Remove<Node>("n1", ns: ""); Api.Remove<Node>("n2", ns: ""); }
            return verb == "filter" ? JsonObject.Of(("Nodes", body["Nodes"]!)) : JsonArray.Of();
        };
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nprioritizeVerb: score\nweight: 1");
        // Where to depends on whether the scheduler has been told by then; that it goes on does not.
        await _rig.BoundAsync("a");
        Api.Put(Make.Pod("b"));
        await _rig.BoundAsync("b");
    }

    [Fact]
    public async Task What_it_says_of_nodes_stands_in_the_condition_beside_what_plugins_say()
    {
        Api.Put(Make.Node("n1", cpu: "2").Cordoned());
        _extender.Says = (_, _) => JsonObject.Of(("nodenames", Strings()), ("failedNodes", JsonObject.Of(("n2", "full there"), ("n3", "full there"))));
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nnodeCacheCapable: true");
        await SaysAsync("a", "Unschedulable", "0/3 nodes are available: 1 node(s) were unschedulable, 2 full there.");
        // What would change its mind nobody knows: any change brings the Pod back.
        _extender.Says = (_, _) => JsonObject.Of(("nodenames", Strings("n3")));
        Api.Change<Node>("n2", n => n.Labels(("any", "thing")), ns: "");
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n3")], _rig.Bound);
    }

    [Fact]
    public async Task Whole_nodes_go_to_one_that_keeps_none_and_its_points_decide()
    {
        _extender.Says = (verb, body) => verb == "filter" ? JsonObject.Of(("Nodes", body["Nodes"]!)) : JsonArray.Of(JsonObject.Of(("Host", "n3"), ("Score", 10)), JsonObject.Of(("Host", "n1"), ("Score", 0)));
        Api.Put(Make.Pod("other", "1").With(s => s with { NodeName = "n3" }));
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nprioritizeVerb: score\nweight: 5");
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n3")], _rig.Bound);
        var nodes = ((JsonArray)((JsonObject)_extender.Asked.First().Body["Nodes"]!)["items"]!).Items.Cast<JsonObject>().ToList();
        Assert.All(nodes, n => Assert.NotNull(((JsonObject)n["status"]!)["allocatable"]));
    }

    [Fact]
    public async Task It_is_asked_only_about_Pods_that_want_its_resources_which_plugins_then_leave_to_it()
    {
        _extender.Says = (_, _) => JsonObject.Of(("NodeNames", Strings("n2")));
        Api.Put(Make.Pod("plain"));
        Api.Put(Make.Pod("special").With(s => s with { Containers = [Make.Container() with { Resources = new() { Requests = Map.Of(("example.com/fpga", Quantity.Parse("1"))) } }] }));
        Start("filterVerb: filter\nnodeCacheCapable: true\nmanagedResources:\n- name: example.com/fpga\n  ignoredByScheduler: true");
        await _rig.BoundAsync("special");
        await _rig.BoundAsync("plain");
        Assert.Contains(("special", "n2"), _rig.Bound);
        Assert.Single(_extender.Asked);
    }

    [Fact]
    public async Task Without_one_that_is_ignorable_Pods_are_scheduled()
    {
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nprioritizeVerb: score\nweight: 1\nignorable: true");
        await _rig.BoundAsync("a");
        Assert.Contains(_extender.Asked, a => a.Verb == "filter");
    }

    [Fact]
    public async Task Without_one_that_is_not_Pods_wait_and_are_tried_again()
    {
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nnodeCacheCapable: true");
        await SaysAsync("a", "SchedulerError", $"failed filter with extender at URL {_extender.Url}/filter, code 500");
        _extender.Says = (_, _) => JsonObject.Of(("NodeNames", Strings("n1")));
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task One_that_does_not_answer_in_time_counts_as_not_there()
    {
        _extender.Silent = true;
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nhttpTimeout: 50ms\nignorable: true");
        await _rig.BoundAsync("a");
    }

    [Fact]
    public async Task A_node_that_it_was_not_asked_about_is_a_mistake()
    {
        _extender.Says = (_, _) => JsonObject.Of(("NodeNames", Strings("elsewhere")));
        Api.Put(Make.Pod("a"));
        Start("filterVerb: filter\nnodeCacheCapable: true");
        await SaysAsync("a", "SchedulerError", "claims a filtered node \"elsewhere\" which is not found in the input node list");
    }

    [Fact]
    public async Task It_binds_when_it_says_it_does()
    {
        _extender.Says = (_, body) =>
        {
            Api.Change<Pod>("a", p => p with { Spec = p.Spec with { NodeName = ((JsonString)body["Node"]!).Value } });
            return JsonObject.Of(("Error", ""));
        };
        Api.Put(Make.Pod("a"));
        Start("bindVerb: bind");
        await _rig.BoundAsync("a");
        Assert.Empty(_rig.Bound);
        var body = Assert.Single(_extender.Asked).Body;
        Assert.Equal("uid-a", ((JsonString)body["PodUID"]!).Value);
    }

    [Fact]
    public async Task It_chooses_among_the_ways_to_make_room()
    {
        foreach (string n in new[] { "n1", "n2", "n3" }) Api.Put(Make.Pod("low-" + n, "2").With(s => s with { NodeName = n }));
        _extender.Says = (_, body) =>
        {
            var offered = (JsonObject)body["NodeNameToMetaVictims"]!;
            return JsonObject.Of(("NodeNameToMetaVictims", JsonObject.Of(("n2", offered["n2"]!))));
        };
        Api.Put(Make.Pod("high", "2", priority: 10));
        Start("preemptVerb: preempt\nnodeCacheCapable: true");
        await _rig.BoundAsync("high");
        Assert.Equal([("high", "n2")], _rig.Bound);
        Assert.Null(Api.Find<Pod>("low-n2"));
        Assert.NotNull(Api.Find<Pod>("low-n1"));
    }

    [Fact]
    public async Task It_is_known_by_the_authority_that_the_configuration_names()
    {
        await using var secure = await LittleExtender.StartAsync(https: true);
        secure.Says = (_, _) => JsonObject.Of(("NodeNames", Strings("n2")));
        Api.Put(Make.Pod("a"));
        _rig.Start(Config(secure.Url, $"filterVerb: filter\nnodeCacheCapable: true\nenableHTTPS: true\ntlsConfig:\n  caData: {Convert.ToBase64String(Encoding.UTF8.GetBytes(secure.Authority))}"));
        await _rig.BoundAsync("a");
        Assert.Equal([("a", "n2")], _rig.Bound);
    }

    [Fact]
    public async Task One_that_nobody_vouches_for_is_not_believed()
    {
        await using var secure = await LittleExtender.StartAsync(https: true);
        await using var another = await LittleExtender.StartAsync(https: true);
        Api.Put(Make.Pod("a"));
        _rig.Start(Config(secure.Url, $"filterVerb: filter\nenableHTTPS: true\ntlsConfig:\n  caData: {Convert.ToBase64String(Encoding.UTF8.GetBytes(another.Authority))}"));
        await SaysAsync("a", "SchedulerError", "SSL");
        Assert.Empty(secure.Asked);
    }

    [Theory]
    [InlineData("prioritizeVerb: score", "extenders[0].weight: Invalid value: 0: must have a positive weight applied to it")]
    [InlineData("fliterVerb: filter", "strict decoding error: unknown field \"extenders[0].fliterVerb\"")]
    [InlineData("httpTimeout: soon", "extenders[0].httpTimeout: Invalid value: \"soon\": must be a duration such as 5s")]
    [InlineData("bindVerb: b\n- urlPrefix: http://x\n  bindVerb: b", "extenders: Invalid value: \"found 2 extenders implementing bind\": only one extender can implement bind")]
    [InlineData("managedResources:\n- name: cpu", "extenders[0].managedResources[0].name: Invalid value: \"cpu\": must be an extended resource such as example.com/name")]
    public void A_mistake_in_its_configuration_is_told(string rest, string message)
    {
        string yaml = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nextenders:\n- urlPrefix: http://x\n" + string.Join('\n', rest.Split('\n').Select((l, i) => l.StartsWith("- url", StringComparison.Ordinal) || l.StartsWith("  b", StringComparison.Ordinal) ? l : "  " + l));
        Assert.Equal(message, Assert.Throws<FormatException>(() => SchedulerConfiguration.Parse(yaml)).Message);
    }
}
