using Hanbae.Api;
using Hanbae.Api.Json;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Objects;

namespace Hanbae.Host.Tests.Objects;

public sealed class ObjectHistoryTests
{
    static readonly IReadOnlyList<ObjectVersion> s_versions = ObjectHistory.Read((JsonObject)JsonValue.Parse("""
        {"items":[
          {"revision":"10","time":"2026-11-21T10:00:00Z","user":"ann","verb":"create","manager":"kubectl","object":{"kind":"Deployment","metadata":{"name":"web","uid":"u","resourceVersion":"10","labels":{"a":"1"}},"spec":{"replicas":1,"image":"web:1"}}},
          {"revision":"11","time":"2026-11-21T10:00:01Z","user":"system:controller","verb":"update","subresource":"status","object":{"kind":"Deployment","metadata":{"name":"web","uid":"u","resourceVersion":"11","labels":{"a":"1"}},"spec":{"replicas":1,"image":"web:1"},"status":{"ready":1}}},
          {"revision":"15","time":"2026-11-21T11:00:00Z","user":"bob","verb":"patch","manager":"kubectl-edit","object":{"kind":"Deployment","metadata":{"name":"web","uid":"u","resourceVersion":"15","labels":{"a":"1"}},"spec":{"replicas":3,"image":"web:1"},"status":{"ready":1}}}]}
        """));

    [Fact]
    public void A_line_says_who_when_how_and_what()
    {
        Assert.Equal("""
            REVISION   TIME                  USER                VERB            MANAGER        CHANGED
            10         2026-11-21 10:00:00   ann                 create          kubectl
            11         2026-11-21 10:00:01   system:controller   update status                  .status
            15         2026-11-21 11:00:00   bob                 patch           kubectl-edit   .spec.replicas

            """, ObjectHistory.Table(s_versions, all: true));
    }

    [Fact]
    public void Versions_of_the_status_are_counted_unless_they_are_asked_for() => Assert.Equal("""
        REVISION   TIME                  USER   VERB     MANAGER        CHANGED
        10         2026-11-21 10:00:00   ann    create   kubectl
        15         2026-11-21 11:00:00   bob    patch    kubectl-edit   .spec.replicas
        1 version of its status is not shown; --all shows it

        """, ObjectHistory.Table(s_versions, all: false));

    [Fact]
    public void What_a_version_changed_is_told_without_the_versions_of_the_status_before_it()
    {
        // As the server tells it once what 11 made, and those after it, were pruned.
        ObjectVersion[] versions = [s_versions[0], s_versions[1] with { Object = null },
            s_versions[1] with { Revision = "14", Object = null }, s_versions[2]];
        string table = ObjectHistory.Table(versions, all: false);
        Assert.Contains("   kubectl-edit   .spec.replicas\n", table, StringComparison.Ordinal);
        Assert.EndsWith("\n2 versions of its status are not shown; --all shows them\n", table, StringComparison.Ordinal);
        Assert.Contains("--- revision 10\n+++ revision 15 ", ObjectHistory.Diffs(versions, all: false), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Diffs_leave_the_status_out_unless_it_is_asked_for(bool all)
    {
        string diffs = ObjectHistory.Diffs(s_versions, all);
        Assert.Contains("-  replicas: 1\n+  replicas: 3\n", diffs, StringComparison.Ordinal);
        Assert.Equal(all, diffs.Contains("+status:\n+  ready: 1\n", StringComparison.Ordinal));
        Assert.Equal(all, diffs.Contains("ready", StringComparison.Ordinal));
        Assert.Equal(!all, diffs.Contains("1 version of its status is not shown", StringComparison.Ordinal));
    }

    [Fact]
    public void A_diff_shows_the_changed_lines_in_their_surroundings()
    {
        Assert.Equal("""
            --- revision 11
            +++ revision 15   2026-11-21 11:00:00   patch by bob with kubectl-edit
            @@ -6,6 +6,6 @@
               uid: u
             spec:
               image: web:1
            -  replicas: 1
            +  replicas: 3
             status:
               ready: 1

            """, ObjectHistory.Diff(s_versions[1], s_versions[2], status: true));
    }

    [Fact]
    public void An_undo_goes_back_to_the_last_version_that_wanted_something_else() => Assert.Equal("11", ObjectHistory.Before(s_versions)!.Revision);

    [Fact]
    public void What_controllers_note_in_annotations_is_no_change_of_mind()
    {
        var noted = (JsonObject)JsonValue.Parse("""{"kind":"Deployment","metadata":{"name":"web","uid":"u","labels":{"a":"1"},"annotations":{"revision":"2"}},"spec":{"replicas":3,"image":"web:1"}}""");
        Assert.Equal("11", ObjectHistory.Before([.. s_versions, new("16", default, "system:controller", "update", "", "", noted)])!.Revision);
    }

    [Fact]
    public void A_deletion_is_undone_by_creating_what_was_there_anew()
    {
        ObjectVersion[] versions = [.. s_versions, new("20", default, "eve", "delete", "", "", null)];
        var back = ObjectHistory.Before(versions)!;
        Assert.Equal("15", back.Revision);
        Assert.Equal("""{"name":"web","labels":{"a":"1"}}""", ObjectHistory.ToWrite(back.Object!, null)["metadata"]!.ToString());
    }

    static ObjectVersion Restarted(string revision, string user, string at) =>
        s_versions[2] with { Revision = revision, User = user,
            Object = s_versions[2].Object!.With("spec", JsonObject.Of(("restartedAt", new JsonString(at)))) };

    [Theory]
    [InlineData("11", "dan 18", "cem 16", "bob 15")]
    [InlineData("15", "dan 18", "cem 16")]
    [InlineData("16", "dan 18")]
    public void An_undo_tells_whose_changes_are_gone(string wanted, params string[] undone)
    {
        ObjectVersion cem = Restarted("16", "cem", "1");
        ObjectVersion status = cem with { Revision = "17", User = "system:controller", Verb = "update", Subresource = "status" };
        ObjectVersion[] versions = [.. s_versions, cem, status, Restarted("18", "dan", "2")];
        var lines = undone.Select(u => u.Split(' '))
            .Select(u => $"  undone: patch by {u[0]} with kubectl-edit at 2026-11-21 11:00:00, revision {u[1]}\n");
        Assert.Equal(string.Concat(lines), ObjectHistory.Undone(versions, versions.Single(v => v.Revision == wanted)));
    }

    [Fact]
    public void An_undo_tells_of_a_deletion_and_of_nothing()
    {
        ObjectVersion[] versions = [.. s_versions, new("20", s_versions[2].Time, "eve", "delete", "", "", null)];
        Assert.Equal("  undone: delete by eve at 2026-11-21 11:00:00, revision 20\n", ObjectHistory.Undone(versions, versions[2]));
        Assert.Equal("  nobody changed it since\n", ObjectHistory.Undone(s_versions, s_versions[2]));
    }

    [Fact]
    public void A_version_is_put_back_over_exactly_what_is_there_now()
    {
        var now = (JsonObject)JsonValue.Parse("""{"metadata":{"name":"web","resourceVersion":"99"}}""");
        Assert.Equal("99", ((JsonString)((JsonObject)ObjectHistory.ToWrite(s_versions[0].Object!, now)["metadata"]!)["resourceVersion"]!).Value);
    }

    [Theory]
    [InlineData("deployment", "/apis/apps/v1/namespaces/x/deployments/web", "deployment.apps/web")]
    [InlineData("deploy", "/apis/apps/v1/namespaces/x/deployments/web", "deployment.apps/web")]
    [InlineData("deployments.apps", "/apis/apps/v1/namespaces/x/deployments/web", "deployment.apps/web")]
    [InlineData("node", "/apis/apps/v1/nodes/web", "node.apps/web")]
    public void A_kind_is_found_by_any_of_its_names(string kind, string path, string shown)
    {
        ServerResources served = new([Resource("deployments", "Deployment", namespaced: true, "deploy"), Resource("nodes", "Node", namespaced: false)]);
        var found = ObjectAddress.Find(served, kind, "x", "web")!;
        Assert.Equal((path, shown), (found.Path, found.Shown));
        Assert.Null(ObjectAddress.Find(served, kind + ".batch", "x", "web"));
    }

    static ResourceInfo Resource(string plural, string kind, bool namespaced, params string[] shortNames) => new()
    {
        Gvr = new GroupVersion("apps", "v1").Resource(plural), Kind = new UnstructuredKind(new("apps", "v1", kind)), Singular = kind.ToLowerInvariant(), Namespaced = namespaced,
        ShortNames = [.. shortNames],
    };

    [Theory]
    [InlineData("a b c", "a b c", "")]
    [InlineData("", "a", "@@ -0,0 +1 @@\n+a\n")]
    [InlineData("a", "", "@@ -1 +0,0 @@\n-a\n")]
    [InlineData("1 2 3 4 5 6 7 8 9 10 11 12", "0 1 2 3 4 5 6 7 8 9 10 11", "@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -9,4 +10,3 @@\n 9\n 10\n 11\n-12\n")]
    public void Lines_are_compared_as_diff_does(string before, string after, string expected) =>
        Assert.Equal(expected, LineDiff.Unified(before.Split(' ', StringSplitOptions.RemoveEmptyEntries), after.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
}
