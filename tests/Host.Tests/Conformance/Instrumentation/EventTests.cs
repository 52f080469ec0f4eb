using System.Text.Json.Nodes;
using Hanbae.Host.Tests.Conformance.Rig;

namespace Hanbae.Host.Tests.Conformance.Instrumentation;

[Collection(ControlPlaneRig.Name)]
public sealed class EventTests(ControlPlaneRig rig)
{
    const string Core = """{"kind":"Event","type":"Normal","message":"This is a test event","reason":"Test","involvedObject":{"kind":"Pod","namespace":"NAMESPACE","name":"some"},"source":{"component":"test"}}""";
    const string New = """
        {"kind":"Event","regarding":{"namespace":"NAMESPACE"},"eventTime":"2017-09-19T13:49:16.000000Z","note":"This is a test event","action":"Do","reason":"Test","type":"Normal","reportingController":"test-controller","reportingInstance":"test-node"}
        """;

    [Fact]
    [Trait("Conformance", "[sig-instrumentation] Events should manage the lifecycle of an event [Conformance]")]
    [Trait("Conformance", "[sig-instrumentation] Events should delete a collection of events [Conformance]")]
    public async Task An_Event_of_old_lives_its_whole_life()
    {
        await new ApiWalk(rig, "v1", "events", Core, """{"message":"This is a test event - patched"}""").WalkAsync();
        await SeriesAsync("/api/v1", Core, """{"series":{"count":100,"lastObservedTime":"2017-09-19T13:49:16.000000Z"}}""");
    }

    [Fact]
    [Trait("Conformance", "[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed [Conformance]")]
    [Trait("Conformance", "[sig-instrumentation] Events API should delete a collection of events [Conformance]")]
    public async Task An_Event_lives_its_whole_life()
    {
        await new ApiWalk(rig, "events.k8s.io/v1", "events", New, """{"note":"This is a test event - patched"}""") { Called = "events" }.WalkAsync();
        await SeriesAsync("/apis/events.k8s.io/v1", New, """{"series":{"count":100,"lastObservedTime":"2017-09-19T13:49:16.000000Z"}}""");
    }

    /// <summary>An update that names no revision is taken, and what it does not change stays to the letter.</summary>
    async Task SeriesAsync(string root, string sample, string series)
    {
        string ns = await rig.NamespaceAsync(), events = $"{root}/namespaces/{ns}/events";
        await rig.Admin.CreateAsync(events, JsonNode.Parse(sample.Replace("NAMESPACE", ns)).With("""{"metadata":{"name":"event-test"}}""").ToJsonString());
        var first = Plain(await rig.Admin.GetAsync(events + "/event-test"));
        await rig.Admin.PutAsync(events + "/event-test", first.With(series));
        var second = Plain(await rig.Admin.GetAsync(events + "/event-test"));
        Assert.True(JsonNode.DeepEquals(first.With(series), second), $"{first}\n{second}");
        await rig.Admin.DeleteAsync(events + "/event-test");
        Assert.Empty(await rig.Admin.ListAsync(events + "?fieldSelector=metadata.name%3Devent-test"));
    }

    static JsonObject Plain(JsonObject read) => read.With("""{"metadata":{"resourceVersion":null,"managedFields":null}}""");

    [Fact]
    [Trait("Conformance", "[sig-instrumentation] Events API should ensure that an event can be fetched, patched, deleted, and listed [Conformance]")]
    public async Task An_Event_is_found_by_who_told_it_in_both_groups()
    {
        string ns = await rig.NamespaceAsync();
        foreach (string name in (string[])["told", "other"])
            await rig.Admin.CreateAsync($"/apis/events.k8s.io/v1/namespaces/{ns}/events", JsonNode.Parse(New.Replace("NAMESPACE", ns)).With($$"""{"metadata":{"name":"{{name}}"},"reportingController":"{{(name == "told" ? "test-controller" : "another")}}"}""").ToJsonString());
        foreach (string query in (string[])[$"/api/v1/namespaces/{ns}/events?fieldSelector=source%3Dtest-controller", $"/apis/events.k8s.io/v1/namespaces/{ns}/events?fieldSelector=reportingController%3Dtest-controller"])
            Assert.Equal("told", Assert.Single(await rig.Admin.ListAsync(query)).Name());
        // The same object under both names.
        var old = await rig.Admin.GetAsync($"/api/v1/namespaces/{ns}/events/told");
        Assert.Equal(("This is a test event", "test-controller", "test-node"), (old.Text("message"), old.Text("reportingComponent"), old.Text("reportingInstance")));
    }
}
