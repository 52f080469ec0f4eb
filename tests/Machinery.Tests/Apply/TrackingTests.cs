using Hanbae.Api.Core.V1;
using Hanbae.Api.Json;
using Hanbae.Machinery.Apply;
using Apps = Hanbae.Api.Apps.V1;

namespace Hanbae.Machinery.Tests.Apply;

/// <summary>Who owns what after which write: upstream's documented behaviour, and the field sets that its servers write.</summary>
public sealed class TrackingTests
{
    const string Deployment = """{"metadata":{"name":"web","labels":{"app":"web"}},"spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"nginx","ports":[{"containerPort":80}]}]}}}}""";

    static ObjectWriter Map() => new(ConfigMap.Info);

    [Fact]
    public void A_creation_owns_all_that_it_sets_and_the_collections_it_makes()
    {
        var web = new ObjectWriter(Apps.Deployment.Info).Update("kubectl-create", Deployment, filter: FieldFilter.Except("status"));
        Assert.Equal("""{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},"f:resources":{}}}}}}}""", web.Fields("kubectl-create"));
        Assert.Equal(("Update", "apps/v1", "FieldsV1", ""), (web.Entries[0].Operation, web.Entries[0].ApiVersion, web.Entries[0].FieldsType, web.Entries[0].Subresource));
    }

    [Fact]
    public void An_apply_owns_what_it_says_and_no_collection_around_it()
    {
        var web = new ObjectWriter(Apps.Deployment.Info).Apply("kubectl", Deployment);
        Assert.Equal("""{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}}}}""", web.Fields("kubectl"));
    }

    [Fact]
    public void An_update_takes_what_it_changes_from_its_owner()
    {
        var map = Map().Apply("a", """{"metadata":{"name":"m"},"data":{"x":"1","y":"1"}}""").Update("b", """{"metadata":{"name":"m"},"data":{"x":"2","y":"1","z":"3"}}""");
        Assert.Equal("""{"f:data":{"f:y":{}}}""", map.Fields("a"));
        Assert.Equal("""{"f:data":{"f:x":{},"f:z":{}}}""", map.Fields("b"));
    }

    [Fact]
    public void What_an_update_removes_is_nobodys()
    {
        var map = Map().Apply("a", """{"data":{"x":"1","y":"1"}}""").Update("b", """{"data":{"y":"1"}}""");
        Assert.Equal(["a Apply"], map.Managers);
        Assert.Equal("""{"f:data":{"f:y":{}}}""", map.Fields("a"));
    }

    [Fact]
    public void An_apply_conflicts_with_another_applier_unless_forced()
    {
        var map = Map().Apply("a", """{"data":{"x":"1"}}""");
        var refused = Assert.Throws<ConflictException>(() => map.Apply("b", """{"data":{"x":"2"}}"""));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"a\": .data.x", refused.Message);
        map.Apply("b", """{"data":{"x":"2"}}""", force: true);
        Assert.Equal(["b Apply"], map.Managers);
        Assert.Equal("2", map.Json.At("data", "x"));
    }

    [Fact]
    public void A_conflict_names_the_updater_and_its_version_and_every_field()
    {
        var web = new ObjectWriter(Apps.Deployment.Info).Update("kubectl-client-side-apply", Deployment);
        var one = Assert.Throws<ConflictException>(() => web.Apply("me", """{"spec":{"replicas":5}}"""));
        Assert.Equal("Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using apps/v1: .spec.replicas", one.Message);
        var two = Assert.Throws<ConflictException>(() => web.Apply("me", """{"spec":{"replicas":5,"template":{"spec":{"containers":[{"name":"c","image":"other"}]}}}}"""));
        Assert.Equal("Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name=\"c\"].image", two.Message);
        Assert.Equal([".spec.replicas", ".spec.template.spec.containers[name=\"c\"].image"], two.Conflicts.Select(c => c.Field));
    }

    [Fact]
    public void Appliers_that_agree_share_a_field_and_the_last_to_give_it_up_removes_it()
    {
        var map = Map().Apply("a", """{"data":{"x":"1"}}""").Apply("b", """{"data":{"x":"1","y":"1"}}""");
        Assert.Equal("""{"f:data":{"f:x":{}}}""", map.Fields("a"));
        map.Apply("a", """{"data":{}}""");
        Assert.Equal("1", map.Json.At("data", "x"));
        map.Apply("b", """{"data":{"y":"1"}}""");
        Assert.Null(map.Json.At("data", "x"));
    }

    [Fact]
    public void What_an_applier_gives_up_stays_where_an_updater_owns_it()
    {
        var map = Map().Apply("a", """{"data":{"x":"1"}}""").Update("b", """{"data":{"x":"2"}}""").Apply("a", """{"data":{"y":"1"}}""");
        Assert.Equal(("2", "1"), (map.Json.At("data", "x"), map.Json.At("data", "y")));
    }

    [Fact]
    public void Giving_up_a_list_item_removes_the_item_but_not_what_others_own_in_it()
    {
        const string Both = """{"spec":{"containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}]}}""";
        var pod = new ObjectWriter(Pod.Info).Apply("me", Both).Apply("me", """{"spec":{"containers":[{"name":"a","image":"i"}]}}""");
        Assert.Equal(["a"], ((JsonArray)pod.Json.Node("spec", "containers")!).Select(c => c.At("name")));

        pod = new ObjectWriter(Pod.Info).Apply("me", Both)
            .Apply("other", """{"spec":{"containers":[{"name":"b","workingDir":"/x"}]}}""").Apply("me", """{"spec":{"containers":[{"name":"a","image":"i"}]}}""");
        var b = (JsonObject)((JsonArray)pod.Json.Node("spec", "containers")!)[1];
        Assert.Equal(("b", "/x", null), (b.At("name"), b.At("workingDir"), b.At("image")));
    }

    [Fact]
    public void An_object_that_was_not_tracked_belongs_to_before_first_apply()
    {
        var map = Map().Update("a", """{"data":{"x":"1"}}""");
        map.Forget();
        map.Update("a", """{"data":{"x":"2"}}""");
        Assert.Empty(map.Entries);
        map.Apply("me", """{"data":{"y":"1"}}""");
        Assert.Equal(["me Apply", "before-first-apply Update"], map.Managers);
        Assert.Equal("""{"f:data":{".":{},"f:x":{}}}""", map.Fields("before-first-apply"));
    }

    [Fact]
    public void The_oldest_of_more_than_ten_updaters_become_ancient_changes()
    {
        var map = Map().Update("m0", """{"data":{"k0":"1"}}""");
        var data = "\"k0\":\"1\"";
        for (int i = 1; i <= 11; i++)
        {
            data += $",\"k{i}\":\"1\"";
            map.Update("m" + i, $"{{\"data\":{{{data}}}}}");
        }
        Assert.Equal(10, map.Entries.Count);
        Assert.Equal("""{"f:data":{".":{},"f:k0":{},"f:k1":{},"f:k2":{}}}""", map.Fields("ancient-changes"));
        Assert.DoesNotContain("m1 Update", map.Managers);
    }

    [Fact]
    public void Time_stands_still_while_nothing_changes()
    {
        var map = Map().Apply("a", """{"data":{"x":"1"}}""");
        var first = map.Entries;
        Assert.Equal(first, map.Apply("a", """{"data":{"x":"1"}}""").Entries);
        Assert.Equal(first, map.Update("b", """{"data":{"x":"1"}}""").Entries);
        Assert.NotEqual(first[0].Time, map.Apply("a", """{"data":{"x":"2"}}""").Entry("a").Time);
    }

    [Fact]
    public void Entries_are_in_order_of_operation_time_and_name()
    {
        var map = Map().Update("z", """{"data":{"a":"1"}}""").Update("y", """{"data":{"a":"1","b":"1"}}""").Apply("x", """{"data":{"c":"1"}}""");
        Assert.Equal(["x Apply", "z Update", "y Update"], map.Managers);
    }

    [Fact]
    public void A_subresource_owns_apart_and_only_what_it_can_change()
    {
        const string Running = """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]},"status":{"phase":"Running"}}""";
        var pod = new ObjectWriter(Pod.Info).Update("me", Running, filter: FieldFilter.Except("status")).Update("me", Running.Replace("Running", "Failed"), "status", FieldFilter.Except("spec"));
        Assert.Equal(2, pod.Entries.Count);
        Assert.Equal("""{"f:status":{"f:phase":{}}}""", pod.Entries.Single(e => e.Subresource == "status").FieldsV1.ToString());
        Assert.DoesNotContain("f:status", pod.Entries.Single(e => e.Subresource == "").FieldsV1.ToString());
    }

    [Fact]
    public void Sets_merge_by_value_and_atomic_lists_as_a_whole()
    {
        var map = Map().Apply("a", """{"metadata":{"finalizers":["x/a"]}}""").Apply("b", """{"metadata":{"finalizers":["x/b"]}}""");
        Assert.Equal("""["x/a","x/b"]""", map.Json.Node("metadata", "finalizers")!.ToString());
        Assert.Equal("""{"f:metadata":{"f:finalizers":{"v:\"x/b\"":{}}}}""", map.Fields("b"));

        var pod = new ObjectWriter(Pod.Info).Apply("a", """{"spec":{"tolerations":[{"key":"a"}]}}""");
        Assert.Throws<ConflictException>(() => pod.Apply("b", """{"spec":{"tolerations":[{"key":"b"}]}}"""));
        Assert.Equal("""{"f:spec":{"f:tolerations":{}}}""", pod.Fields("a"));
    }

    [Fact]
    public void A_key_that_is_left_out_has_its_default()
    {
        var service = new ObjectWriter(Service.Info).Apply("a", """{"spec":{"ports":[{"port":80}]}}""").Apply("b", """{"spec":{"ports":[{"port":80,"protocol":"TCP","name":"web"}]}}""");
        Assert.Equal("""{"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}""", service.Fields("a"));
        Assert.Equal("web", ((JsonArray)service.Json.Node("spec", "ports")!)[0].At("name"));
    }

    [Fact]
    public void Items_keep_the_order_of_what_is_applied_with_others_where_they_were()
    {
        static string Env(params string[] names) =>
            """{"spec":{"containers":[{"name":"c","env":[ENV]}]}}""".Replace("ENV", string.Join(",", names.Select(n => $$"""{"name":"{{n}}","value":"1"}""")));
        var pod = new ObjectWriter(Pod.Info).Update("u", Env("a", "b", "c", "d")).Apply("me", Env("d", "x", "b"));
        var names = ((JsonArray)((JsonArray)pod.Json.Node("spec", "containers")!)[0].Node("env")!).Select(e => e.At("name"));
        Assert.Equal("a,c,d,x,b", string.Join(",", names));
    }

    [Fact]
    public void Items_that_share_a_key_are_owned_as_one()
    {
        var pod = new ObjectWriter(Pod.Info).Update("u", """{"spec":{"containers":[{"name":"c","env":[{"name":"a","value":"1"},{"name":"a","value":"2"}]}]}}""");
        Assert.Contains("""f:env":{".":{},"k:{\"name\":\"a\"}":{}}""", pod.Fields("u"));
        Assert.Equal(".spec.containers[name=\"c\"].env: duplicate entries for key [name=\"a\"]",
            Assert.Throws<ApplyException>(() => pod.Apply("me", """{"spec":{"containers":[{"name":"c","env":[{"name":"a"},{"name":"a"}]}]}}""")).Message);
    }

    [Fact]
    public void What_does_not_fit_the_type_is_refused_by_place()
    {
        var web = new ObjectWriter(Apps.Deployment.Info);
        Assert.Equal(".spec.replicas: expected numeric (int or float), got string", Assert.Throws<ApplyException>(() => web.Apply("me", """{"spec":{"replicas":"3"}}""")).Message);
        Assert.Equal("errors:\n  .metadata.foo: field not declared in schema\n  .spec.template.spec.containers: element 0: associative list with keys has an element that omits key field \"name\" (and doesn't have default value)",
            Assert.Throws<ApplyException>(() => web.Apply("me", """{"metadata":{"foo":1},"spec":{"template":{"spec":{"containers":[{}]}}}}""")).Message);
    }

    [Fact]
    public void An_owner_of_a_version_that_is_gone_is_forgotten()
    {
        var map = Map().Update("a", """{"data":{"x":"1"}}""");
        map.Rename("v0");
        map.Update("b", """{"data":{"x":"2"}}""");
        Assert.Equal(["b Update"], map.Managers);
    }
}
