using Hanbae.Api.Json;
using Hanbae.Api.Schema;
using Hanbae.Machinery.Cel;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>Expressions over objects that a schema describes.</summary>
public sealed class SchemaTests
{
    static readonly CelSchema Item = CelSchema.Object(Cel.P("k", CelSchema.String), Cel.P("v", CelSchema.String));

    static readonly CelSchema Schema = CelSchema.Object(
        Cel.P("count", CelSchema.Integer), Cel.P("share", CelSchema.Number), Cel.P("namespace", CelSchema.String), Cel.P("x-ref", CelSchema.String), Cel.P("a__b", CelSchema.String), Cel.P("k!", CelSchema.String),
        Cel.P("when", new(CelSchemaKind.DateTime)), Cel.P("day", new(CelSchemaKind.Date)), Cel.P("timeout", new(CelSchemaKind.Duration)), Cel.P("data", new(CelSchemaKind.Bytes)),
        Cel.P("port", new(CelSchemaKind.IntOrString)), Cel.P("maybe", new(CelSchemaKind.String) { Nullable = true }),
        Cel.P("set", CelSchema.List(CelSchema.String, CelListType.Set)), Cel.P("set2", CelSchema.List(CelSchema.String, CelListType.Set)),
        Cel.P("items", CelSchema.List(Item, CelListType.Map, "k")), Cel.P("items2", CelSchema.List(Item, CelListType.Map, "k")), Cel.P("list", CelSchema.List(CelSchema.Integer)),
        Cel.P("labels", CelSchema.Map(CelSchema.String)), Cel.P("nulls", CelSchema.Map(new(CelSchemaKind.String) { Nullable = true })), Cel.P("hidden", CelSchema.Hidden), Cel.P("any", CelSchema.Dyn),
        Cel.P("embedded", new(CelSchemaKind.Object) { IsResource = true }));

    const string Json = """
        {"count":3,"share":1,"namespace":"ns","x-ref":"r","a__b":"u","when":"2011-08-18T19:03:37.01+01:00","day":"1997-07-16","timeout":"1h2m","data":"QUI=","port":"25%","maybe":null,
         "set":["a","b"],"set2":["b","a"],"items":[{"k":"1","v":"x"},{"k":"2","v":"y"}],"items2":[{"k":"2","v":"y"},{"k":"1","v":"x"}],"list":[1,2],"labels":{"app.io/x":"1","b":"2"},
         "nulls":{"a":null},"hidden":{"a":1},"any":{"x":[1,"a",null]},"embedded":{"kind":"Pod","metadata":{"name":"foo","labels":{}},"other":1}}
        """;

    [Theory]
    [InlineData("self.count == 3 && self.share == 1.0 && type(self.share) == double")]
    [InlineData("self.__namespace__ == 'ns' && self.x__dash__ref == 'r' && self.a__underscores__b == 'u'")]
    [InlineData("self.when == timestamp('2011-08-18T18:03:37.01Z') && self.day.getFullYear() == 1997 && self.timeout == duration('62m') && self.data == b'AB'")]
    [InlineData("self.port == '25%' && self.port != 1 && (type(self.port) == int ? self.port < 5 : self.port.endsWith('%'))")]
    [InlineData("!has(self.maybe) && has(self.count) && !has(self.labels.zz) && has(self.labels.b)")]
    [InlineData("self.set == self.set2 && self.set == ['b', 'a'] && self.set + ['b', 'c'] == ['c', 'b', 'a']")]
    [InlineData("(self.set + ['b', 'c']).size() == 3 && (self.list + [1]).size() == 3 && self.list != [2, 1]")]
    [InlineData("self.items == dyn(self.items2) && (self.items + dyn(self.items2)).size() == 2 && self.items[0] == dyn(self.items2)[1]")]
    [InlineData("self.labels['app.io/x'] == '1' && self.labels.all(k, self.labels[k] != '') && 'b' in self.labels")]
    [InlineData("type(self.nulls['a']) == null_type && self.nulls.size() == 1")]
    [InlineData("self.any.x[0] == 1 && self.any.x[1] == 'a' && self.any.x[2] == null")]
    [InlineData("self.embedded.kind == 'Pod' && self.embedded.metadata.name == 'foo' && has(self.embedded.metadata.name)")]
    [InlineData("self == self && self.embedded != null")]
    [InlineData("self.items.exists(e, e.k == '1' && e.v == 'x') && self.?maybe.orValue('none') == 'none' && self.?count.hasValue()")]
    public void A_rule_holds(string rule)
    {
        var (env, values) = Cel.Self(Schema, Json);
        Assert.Equal("true", Cel.Eval(rule, env, values));
    }

    [Theory]
    [InlineData("self.hidden == self.hidden", "undefined field 'hidden'")]
    [InlineData("self.namespace == ''", "undefined field 'namespace'")]
    [InlineData("self.embedded.other == 1", "undefined field 'other'")]
    [InlineData("self.count == '3'", "found no matching overload for '_==_' applied to '(int, string)'")]
    [InlineData("self.items == self.labels", "applied to '(list(self.items.@idx), map(string, string))'")]
    public void A_rule_does_not_compile(string rule, string error) => Assert.Contains(error, Cel.Error(rule, Cel.Self(Schema, Json).Env));

    [Fact]
    public void Data_that_is_not_what_the_schema_says_is_an_error()
    {
        var (env, values) = Cel.Self(CelSchema.Object(Cel.P("a", CelSchema.Integer), Cel.P("l", CelSchema.List(CelSchema.Integer))), """{"a":"x","l":[null]}""");
        Assert.Equal("error: invalid data, expected int, got string", Cel.Eval("self.a == 1", env, values));
        Assert.Equal("error: invalid data, got null for schema with nullable=false", Cel.Eval("self.l[0] == 1", env, values));
        Assert.Equal("error: no such key: b", Cel.Eval("dyn(self).b == 1", env, values));
    }

    [Fact]
    public void An_optional_old_value_may_be_missing()
    {
        var env = Cel.All.WithVariable("self", CelSchema.Integer, "self").WithOptionalVariable("oldSelf", CelSchema.Integer, "self");
        const string Rule = "oldSelf.orValue(0) <= self && (!oldSelf.hasValue() || oldSelf.value() < 5)";
        Assert.Equal("true", Cel.Eval(Rule, env, new(("self", 1), ("oldSelf", CelOptional.None))));
        Assert.Equal("false", Cel.Eval(Rule, env, new(("self", 1), ("oldSelf", CelOptional.Of(2)))));
    }

    [Theory]
    [InlineData("a-b.c/d", "a__dash__b__dot__c__slash__d")]
    [InlineData("a__b", "a__underscores__b")]
    [InlineData("____", "__underscores____underscores__")]
    [InlineData("_a_", "_a_")]
    [InlineData("while", "__while__")]
    [InlineData("1a", null)]
    [InlineData("a!", null)]
    [InlineData("", null)]
    public void Names_are_escaped(string name, string? escaped) => Assert.Equal(escaped, CelNames.Escape(name));

    [Fact]
    public void Built_in_types_are_described_too()
    {
        var deployment = ApiData.Kind(new("apps", "v1", "Deployment"))!;
        var schema = CelSchemas.Of(deployment.Schema);
        var env = CelEnvironment.Kubernetes.WithVariable("object", schema, "Deployment");
        var json = JsonValue.Parse("""
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","namespace":"here","creationTimestamp":"2024-01-01T00:00:00Z","labels":{"a":"b"}},
             "spec":{"replicas":3,"strategy":{"rollingUpdate":{"maxSurge":"25%"}},"template":{"spec":{"containers":[{"name":"c","image":"i:1","resources":{"limits":{"memory":"1Gi"}},"ports":[{"containerPort":80}]}]}}}}
            """);
        const string Rule = "object.kind == 'Deployment' && object.metadata.__namespace__ == 'here' && object.spec.replicas <= 3 && object.metadata.creationTimestamp.getFullYear() == 2024"
            + " && object.spec.strategy.rollingUpdate.maxSurge == '25%' && object.spec.template.spec.containers.all(c, c.image.contains(':') && quantity(c.resources.limits.memory).isLessThan(quantity('2Gi')) && c.ports[0].containerPort == 80)";
        Assert.Equal("true", Cel.Eval(Rule, env, new(("object", CelJson.Wrap(json, schema)))));
        Assert.Contains("undefined field 'replica'", Cel.Error("object.spec.replica > 1", env));
        Assert.Contains("applied to '(int, string)'", Cel.Error("object.spec.replicas == '1'", env));
        // Types that refer to themselves end somewhere.
        Assert.True(CelBounds.MaxElements(CelSchema.List(CelSchemas.Of(ApiData.Kind(new("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))?.Schema ?? deployment.Schema))) > 0);
    }

    [Fact]
    public void What_was_wrapped_comes_back_as_it_was()
    {
        var json = JsonValue.Parse("""{"b":[1,2.5,null,{"x":"y"}],"a":true}""");
        Assert.Same(json, CelJson.ToJson(CelJson.Wrap(json), out _));
    }
}
