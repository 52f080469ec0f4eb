using System.Text.Json.Nodes;
using static Hanbae.Host.Tests.Conformance.Rig.Wire;

namespace Hanbae.Host.Tests.Conformance.Rig;

/// <summary>Walks a resource through its whole life as a client sees it: found by discovery, made, read, listed, watched, patched in every way, replaced, deleted.</summary>
/// <param name="sample">An object without a name, valid as it stands; <c>NAMESPACE</c> in it is the test's own.</param>
/// <param name="change">A merge patch that may be applied to it, and taken back.</param>
public sealed class ApiWalk(ControlPlaneRig rig, string groupVersion, string resource, string sample, string change)
{
    static int _walks;

    readonly string _mark = $"walk-{Interlocked.Increment(ref _walks)}";
    readonly Dictionary<string, JsonObject> _now = [];
    readonly List<JsonObject> _told = [];

    public bool Namespaced { get; init; } = true;
    /// <summary>A merge patch for what the subresource <c>status</c> is for; null where there is none.</summary>
    public string? Status { get; init; }
    /// <summary>Whether annotations may be written along with the status, as most kinds let them.</summary>
    public bool StatusTakesMetadata { get; init; } = true;
    /// <summary>What errors call the resource where that is not its own name and group.</summary>
    public string? Called { get; init; }
    /// <summary>The verbs of upstream's discovery; what differs is the server's mistake.</summary>
    public string Verbs { get; init; } = "create delete deletecollection get list patch update watch";
    /// <summary>For what may not share anything: the sample is changed by the number of the object.</summary>
    public Func<int, string> Distinct { get; init; } = _ => "{}";
    /// <summary>Whether kinds of this group may change what is stored on their own while the test runs.</summary>
    public bool Alive { get; init; }
    /// <summary>Whether an update may take the change back.</summary>
    public bool Reversible { get; init; } = true;

    Wire Api => rig.Admin;
    string Root => groupVersion == "v1" ? "/api/v1" : "/apis/" + groupVersion;
    string Everywhere => $"{Root}/{resource}";
    string Collection { get; set; } = "";
    JsonNode Sample { get; set; } = null!;
    /// <summary>What of the change is not metadata.</summary>
    JsonObject Content { get; } = JsonNode.Parse(change).With("""{"metadata":null}""");
    string Selector => "labelSelector=" + Uri.EscapeDataString("walk=" + _mark);
    string Of(string name) => $"{Collection}/{name}";

    public async Task WalkAsync()
    {
        string ns = Namespaced ? await rig.NamespaceAsync() : "";
        Collection = Namespaced ? $"{Root}/namespaces/{ns}/{resource}" : Everywhere;
        Sample = JsonNode.Parse(sample.Replace("NAMESPACE", ns))!;
        await DiscoveryKnowsItAsync();
        using var watch = await Api.WatchAsync(Collection, (await Api.GetAsync(Collection + "?" + Selector)).Revision(), Selector);
        using var wide = await Api.WatchAsync(Everywhere, (await Api.GetAsync(Everywhere + "?" + Selector)).Revision(), Selector);
        try
        {
            string[] names = [await CreateAsync(0), await CreateAsync(1), await CreateAsync(2)];
            await ListsShowAsync(names);
            await PatchesAsync(names[0]);
            await UpdatesAsync(names[0]);
            if (Status is not null) await StatusAsync(names[0], Status);
            await DeleteOneAsync(names);
            await DeleteTheOthersAsync();
            await ToldAllAsync(watch, names);
            await ToldAllAsync(wide, names);
        }
        finally { await Api.SendAsync("DELETE", Collection + "?" + Selector); }
    }

    async Task DiscoveryKnowsItAsync()
    {
        string[] parts = groupVersion.Split('/');
        if (parts.Length == 2)
        {
            var group = Assert.Single((await Api.GetAsync("/apis")).Items("groups"), g => g.Text("name") == parts[0]);
            Assert.Contains(group.Items("versions"), v => v.Text("groupVersion") == groupVersion && v.Text("version") == parts[1]);
            Assert.Contains((await Api.GetAsync("/apis/" + parts[0])).Items("versions"), v => v.Text("groupVersion") == groupVersion);
        }
        else Assert.Contains((await Api.GetAsync("/api")).At("versions")!.AsArray(), v => v!.ToString() == groupVersion);
        var resources = (await Api.GetAsync(Root)).Items("resources");
        var found = Assert.Single(resources, r => r.Text("name") == resource);
        Assert.Equal((Kind, Namespaced ? "true" : "false"), (found.Text("kind"), found.Text("namespaced")));
        Assert.Equal(Verbs, string.Join(" ", found.At("verbs")!.AsArray().Select(v => v!.ToString())));
        Assert.Equal(Status is not null, resources.Any(r => r.Text("name") == resource + "/status" && r.At("verbs")!.ToJsonString() == """["get","patch","update"]"""));
    }

    string Kind { get; } = JsonNode.Parse(sample).Text("kind");

    async Task<string> CreateAsync(int number)
    {
        var asked = Sample.With(Distinct(number)).With($$"""{"apiVersion":"{{groupVersion}}","metadata":{"labels":{"walk":"{{_mark}}"} } }""");
        if (asked.Name().Length == 0 && asked.Text("metadata", "generateName").Length == 0) asked = asked.With($$"""{"metadata":{"generateName":"{{_mark}}-"} }""");
        var made = await Api.CreateAsync(Collection, asked.ToJsonString());
        Assert.True(made.Has(asked), $"asked for {asked.ToJsonString()}\ngot {made.ToJsonString()}");
        Assert.StartsWith(asked.Text("metadata", "generateName"), made.Name());
        Assert.All((string[])["uid", "creationTimestamp"], field => Assert.NotEqual("", made.Text("metadata", field)));
        Assert.True(ulong.Parse(made.Revision()) > 0);
        _now[made.Name()] = made;
        _told.Add(made);
        var again = await Api.RefusedAsync(409, "AlreadyExists", "POST", Collection, asked.With($$"""{"metadata":{"name":"{{made.Name()}}","generateName":null} }""").ToJsonString());
        Assert.Equal($"""{Called ?? resource + (groupVersion.Contains('/') ? "." + groupVersion.Split('/')[0] : "")} "{made.Name()}" already exists""", again.Text("message"));
        var got = await Api.GetAsync(Of(made.Name()));
        Assert.Equal(made.Uid(), got.Uid());
        Assert.True(got.Has(asked));
        return made.Name();
    }

    async Task ListsShowAsync(params string[] names)
    {
        foreach (string path in (string[])[Collection, Everywhere])
        {
            var list = await Api.GetAsync(path + "?" + Selector);
            Assert.Equal((Kind + "List", groupVersion), (list.Text("kind"), list.Text("apiVersion")));
            Assert.Equal(names.Order(StringComparer.Ordinal), list.Items("items").Select(i => i.Name()));
            Assert.All(list.Items("items"), item => Assert.Equal(_now[item.Name()].Uid(), item.Uid()));
            Assert.True(ulong.Parse(list.Revision()) >= _now.Values.Max(o => ulong.Parse(o.Revision())));
            if (names.Length == 0) continue;
            var named = await Api.ListAsync($"{path}?fieldSelector=metadata.name%3D{names[0]}&{Selector}");
            Assert.Equal(names[0], Assert.Single(named).Name());
        }
    }

    /// <summary>An answer to a write: newer than what was there, the same object, and with what was asked.</summary>
    JsonObject Written(JsonObject answer, string asked)
    {
        var before = _now[answer.Name()];
        Assert.Equal(before.Uid(), answer.Uid());
        Assert.True(ulong.Parse(answer.Revision()) > ulong.Parse(before.Revision()), $"{answer.Revision()} after {before.Revision()}");
        Assert.True(answer.Has(JsonNode.Parse(asked)), $"{asked} is not in {answer.ToJsonString()}");
        _told.Add(answer);
        return _now[answer.Name()] = answer;
    }

    static string Noted(string annotation) => $$"""{"metadata":{"annotations":{"{{annotation}}":"true"} } }""";

    async Task PatchesAsync(string name)
    {
        string wanted = JsonNode.Parse(change).With(Noted("patched")).ToJsonString();
        Written(await Api.PatchAsync(Of(name), wanted), wanted);
        Written(await Api.PatchAsync(Of(name), Noted("strategic"), Strategic), Noted("strategic"));
        Written(await Api.PatchAsync(Of(name), """[{"op":"test","path":"/metadata/annotations/patched","value":"true"},{"op":"add","path":"/metadata/annotations/stepped","value":"true"}]""", Steps), Noted("stepped"));
        string applied = Noted("applied");
        var after = Written(await Api.PatchAsync(Of(name) + "?fieldManager=walker&force=true",
            JsonNode.Parse(applied).With($$"""{"apiVersion":"{{groupVersion}}","kind":"{{Kind}}","metadata":{"name":"{{name}}"} }""").ToJsonString(), Apply), applied);
        Assert.Contains(after.Items("metadata", "managedFields"), m => m.Text("manager") == "walker" && m.Text("operation") == "Apply" && m.Text("apiVersion") == groupVersion);
        Assert.All((string[])["patched", "strategic", "stepped", "applied"], a => Assert.Equal("true", after.Annotation(a)));
        Assert.True((await Api.GetAsync(Of(name))).Has(JsonNode.Parse(change)));
        await Api.RefusedAsync(404, "NotFound", "PATCH", Of("nobody-of-that-name"), Noted("patched"), Merge);
    }

    /// <summary>With the sample's content in place of the changed one.</summary>
    JsonObject Back(JsonObject now)
    {
        now = (JsonObject)now.DeepClone();
        foreach (var (field, _) in Content)
            if (Sample[field] is { } before) now[field] = before.DeepClone();
            else now.Remove(field);
        return now;
    }

    async Task UpdatesAsync(string name)
    {
        var stale = await Api.GetAsync(Of(name));
        var updated = Written(await Api.ChangeAsync(Of(name), now => (Reversible ? Back(now) : now).With(Noted("updated"))), Noted("updated"));
        Assert.True(!Reversible || Content.Count == 0 || !updated.Has(Content), "an update did not take a change back");
        var refused = await Api.RefusedAsync(409, "Conflict", "PUT", Of(name), stale.With(Noted("late")).ToJsonString());
        Assert.Contains("the object has been modified; please apply your changes to the latest version and try again", refused.Text("message"));
        var (got, last) = (await Api.GetAsync(Of(name)), _now[name]);
        Assert.Equal(("true", ""), (got.Annotation("updated"), got.Annotation("late")));
        if (!Alive) Assert.True(JsonNode.DeepEquals(last, got), $"{last.ToJsonString()}\nis not\n{got.ToJsonString()}");
    }

    async Task StatusAsync(string name, string status)
    {
        string NotedHere(string annotation) => StatusTakesMetadata ? Noted(annotation) : "{}";
        string path = Of(name) + "/status", wanted = JsonNode.Parse(status).With(NotedHere("patchedstatus")).ToJsonString();
        Written(await Api.PatchAsync(path, wanted), wanted);
        // What is not status is not written here.
        var both = await Api.PatchAsync(path, JsonNode.Parse(change).With(Noted("strategicstatus")).ToJsonString(), Strategic);
        Assert.Equal(StatusTakesMetadata ? "true" : "", both.Annotation("strategicstatus"));
        Assert.True(!Reversible || Content.Count == 0 || !both.Has(Content), "the subresource status wrote what is not status");
        var updated = await Api.ChangeAsync(path, now => now.With("""{"status":null}""").With(status).With(Noted("updatedstatus")));
        Assert.True(updated.Has(JsonNode.Parse(status)));
        var got = await Api.GetAsync(path);
        Assert.Equal((_now[name].Uid(), StatusTakesMetadata ? "true" : ""), (got.Uid(), got.Annotation("updatedstatus")));
        Assert.True(Alive || got.Has(JsonNode.Parse(status)));
        // And the object's own path does not write status.
        var kept = await Api.ChangeAsync(Of(name), now => now.With("""{"status":null,"metadata":{"annotations":{"statusless":"true"}}}"""));
        Assert.True(Alive || kept.Has(JsonNode.Parse(status)), "an update of the object took its status away");
    }

    async Task DeleteOneAsync(string[] names)
    {
        await Api.DeleteAsync(Of(names[0]));
        await Api.GoneAsync(Collection, names[0]);
        await Api.RefusedAsync(404, "NotFound", "GET", Of(names[0]));
        await Api.RefusedAsync(404, "NotFound", "DELETE", Of(names[0]));
        await ListsShowAsync(names[1..]);
    }

    async Task DeleteTheOthersAsync()
    {
        await Api.DeleteAsync(Collection + "?" + Selector);
        await Api.UntilAsync(Collection, all => all.Count == 0, Selector);
        await ListsShowAsync();
    }

    /// <summary>A watch from before the beginning had every object made and gone, and every answer to a write in between, in order.</summary>
    async Task ToldAllAsync(Watched watch, string[] names)
    {
        var (added, gone, modified) = (new List<string>(), new List<string>(), new List<JsonObject>());
        ulong last = 0;
        while (gone.Count < names.Length)
        {
            var next = await watch.NextAsync();
            Assert.True(ulong.Parse(next.Object.Revision()) > last, "events out of order");
            last = ulong.Parse(next.Object.Revision());
            Assert.Equal((Kind, groupVersion), (next.Object.Text("kind"), next.Object.Text("apiVersion")));
            if (next.Type == "ADDED") added.Add(next.Object.Name());
            else if (next.Type == "DELETED") gone.Add(next.Object.Name());
            if (next.Type is "ADDED" or "MODIFIED") modified.Add(next.Object);
        }
        Assert.Equal(names, added);
        Assert.Equal(names.Order(StringComparer.Ordinal), gone.Order(StringComparer.Ordinal));
        Assert.All(_told, written => Assert.Contains(modified, seen => JsonNode.DeepEquals(seen, written)));
    }
}
