using Hanbae.Api.Json;

namespace Hanbae.Server.Tests.Kinds;

/// <summary>Keys whose values are the Pod's own.</summary>
public sealed class LabelKeysTests
{
    [Fact]
    public async Task A_Pod_says_in_its_selectors_what_its_keys_stand_for()
    {
        await using var server = await TestServer.StartAsync();
        var made = await server.PostAsync("/api/v1/namespaces/default/pods", """
            {"metadata":{"name":"p","labels":{"app":"web","hash":"1"}},"spec":{"containers":[{"name":"c","image":"i"}],
             "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}},"matchLabelKeys":["hash","none"]}],
             "affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone","labelSelector":{},"matchLabelKeys":["app"],"mismatchLabelKeys":["hash"]}]}} } }
            """);
        Assert.True(made.Code == 201, made.Body);
        var spec = (JsonObject)((JsonObject)JsonValue.Parse(made.Body))["spec"]!;
        Assert.Equal("""{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"hash","operator":"In","values":["1"]}]}""",
            ((JsonObject)((JsonArray)spec["topologySpreadConstraints"]!)[0])["labelSelector"]!.ToString());
        var terms = (JsonArray)((JsonObject)((JsonObject)spec["affinity"]!)["podAntiAffinity"]!)["requiredDuringSchedulingIgnoredDuringExecution"]!;
        Assert.Equal("""{"matchExpressions":[{"key":"app","operator":"In","values":["web"]},{"key":"hash","operator":"NotIn","values":["1"]}]}""", ((JsonObject)terms[0])["labelSelector"]!.ToString());
    }

    [Fact]
    public async Task A_key_and_a_selector_for_the_same_label_contradict_each_other()
    {
        await using var server = await TestServer.StartAsync();
        var made = await server.PostAsync("/api/v1/namespaces/default/pods", """
            {"metadata":{"name":"p","labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"i"}],
             "topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}},"matchLabelKeys":["app"]}]} }
            """);
        Assert.Equal(422, made.Code);
        Assert.EndsWith("spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: \"app\": exists in both matchLabelKeys and labelSelector", made.Message);
    }
}
