using Hanbae.Api.Json;

namespace Hanbae.Server.Tests.Conversion;

/// <summary>autoscaling/v1 and v2 are two views of one autoscaler; what v1 has no field for is in annotations.</summary>
public sealed class AutoscalerTests
{
    const string V1 = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", V2 = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";

    const string Full = """
        {"kind":"HorizontalPodAutoscaler","apiVersion":"autoscaling/v2","metadata":{"name":"web"},"spec":{
          "scaleTargetRef":{"kind":"Deployment","name":"web","apiVersion":"apps/v1"},"maxReplicas":5,
          "behavior":{"scaleUp":{"stabilizationWindowSeconds":7,"tolerance":"50m"}},
          "metrics":[{"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization","averageUtilization":70}}},
                     {"type":"Pods","pods":{"metric":{"name":"hits"},"target":{"type":"AverageValue","averageValue":"10"}}},
                     {"type":"External","external":{"metric":{"name":"queue","selector":{"matchLabels":{"q":"a"}}},"target":{"type":"Value","value":"3"}}}]}}
        """;

    [Fact]
    public async Task What_v1_has_no_field_for_survives_a_client_of_v1()
    {
        await using var server = await TestServer.StartAsync();
        Assert.Equal(201, (await server.PostAsync(V2, Full)).Code);
        var before = await server.GetAsync(V2 + "/web");
        var v1 = await server.GetAsync(V1 + "/web");
        Assert.Equal("70", v1.Text("spec", "targetCPUUtilizationPercentage"));
        Assert.Equal("""[{"type":"Pods","pods":{"metricName":"hits","targetAverageValue":"10"}},{"type":"External","external":{"metricName":"queue","metricSelector":{"matchLabels":{"q":"a"}},"targetValue":"3"}}]""",
            v1.Text("metadata", "annotations", "autoscaling.alpha.kubernetes.io/metrics"));
        Assert.StartsWith("""{"ScaleUp":{"StabilizationWindowSeconds":7,"SelectPolicy":"Max","Policies":[{"Type":"Pods","Value":4,"PeriodSeconds":15},""",
            v1.Text("metadata", "annotations", "autoscaling.alpha.kubernetes.io/behavior"));

        var changed = v1.Json.With("spec", ((JsonObject)v1.Json["spec"]!).With("maxReplicas", 9));
        Assert.Equal(200, (await server.SendAsync("PUT", V1 + "/web", changed.ToString())).Code);
        var after = await server.GetAsync(V2 + "/web");
        Assert.Equal(((JsonObject)before.Json["spec"]!).With("maxReplicas", 9).ToString(), after.Text("spec"));
        Assert.Equal("", after.Text("metadata", "annotations"));
    }

    [Theory]
    [InlineData("v2beta1", """{"type":"Pods","pods":{"metricName":"hits","targetAverageValue":"10"}}""")]
    [InlineData("v2beta2", """{"type":"Pods","pods":{"metric":{"name":"hits"},"target":{"type":"AverageValue","averageValue":"10"}}}""")]
    public async Task The_betas_are_served_of_old(string version, string metric)
    {
        await using var server = await TestServer.StartAsync(o => o with { LegacyApis = true });
        Assert.Equal(201, (await server.PostAsync(V2, Full)).Code);
        var old = await server.GetAsync(V2.Replace("/v2/", $"/{version}/") + "/web");
        Assert.Equal((200, $"autoscaling/{version}", metric), (old.Code, old.Text("apiVersion"), old.Text("spec", "metrics", "1")));
        var again = old.Json.With("metadata", ((JsonObject)old.Json["metadata"]!).With("name", "again").Without("resourceVersion").Without("uid"));
        Assert.Equal(201, (await server.PostAsync(V2.Replace("/v2/", $"/{version}/"), again.ToString())).Code);
        Assert.Equal((await server.GetAsync(V2 + "/web")).Text("spec"), (await server.GetAsync(V2 + "/again")).Text("spec"));
    }
}
