using System.Text;
using Hanbae.Api;
using Hanbae.Api.Apps.V1;
using Hanbae.Api.Autoscaling.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using V2 = Hanbae.Api.Autoscaling.V2;

namespace Hanbae.Controllers.Tests.HorizontalPodAutoscalers;

public sealed class AutoscaleTests
{
    int _replicas = 2, _version = 1;
    /// <summary>How often somebody else writes the Deployment just before the autoscaler does.</summary>
    int _others;
    volatile string _use = "900m";
    volatile string _scaled = "";

    /// <summary>Plays the scale of a Deployment and what measures its Pods.</summary>
    ApiResult? Play(ApiRequest request)
    {
        if (request.Path.EndsWith("/deployments/web/scale", StringComparison.Ordinal))
        {
            if (request.Object is Scale asked)
            {
                if (_others > 0) (_others, _version) = (_others - 1, _version + 1);
                if (asked.Metadata.ResourceVersion != $"{_version}")
                    return new() { Code = 409, Object = new Api.Meta.V1.Status { Code = 409, Reason = "Conflict", Message = "the object has been modified" } };
                _replicas = asked.Spec.Replicas;
                _scaled += asked.Spec.Replicas + " ";
            }
            return new()
            {
                Code = 200,
                Object = new Scale
                {
                    Metadata = new() { Name = "web", Namespace = "default", ResourceVersion = $"{_version}" },
                    Spec = new() { Replicas = _replicas }, Status = new() { Replicas = _replicas, Selector = "app=web" },
                },
            };
        }
        if (!request.Path.StartsWith("/apis/metrics.k8s.io/", StringComparison.Ordinal)) return null;
        string Pod(string name) => $$$"""{"metadata":{"name":"{{{name}}}"},"timestamp":"2030-01-01T00:59:30Z","window":"15s","containers":[{"name":"main","usage":{"cpu":"{{{_use}}}"}}]}""";
        return _use.Length == 0 ? new() { Code = 404, Object = new Api.Meta.V1.Status { Code = 404, Reason = "NotFound", Message = "the server could not find the requested resource (get pods.metrics.k8s.io)" } }
            : new() { Code = 200, Body = Encoding.UTF8.GetBytes($$"""{"kind":"PodMetricsList","items":[{{Pod("a")}},{{Pod("b")}}]}""") };
    }

    static Pod Running(string name)
    {
        var pod = Make.Pod(name, node: "n", readySince: Make.Start.AddHours(-1));
        return pod with
        {
            Spec = pod.Spec with { Containers = [new() { Name = "main", Resources = new() { Requests = Map.Of(("cpu", Quantity.Parse("1"))) } }] },
            Status = pod.Status with { StartTime = Make.Start.AddHours(-1) },
        };
    }

    TestCluster Start() => new(["horizontalpodautoscaling"], api =>
    {
        api.Intercept = Play;
        api.Put(Running("a"));
        api.Put(Running("b"));
        api.Put(new V2.HorizontalPodAutoscaler
        {
            Metadata = new() { Name = "web", Namespace = "default", Uid = "u" },
            Spec = new()
            {
                ScaleTargetRef = new() { Kind = "Deployment", Name = "web", ApiVersion = "apps/v1" }, MinReplicas = 1, MaxReplicas = 10,
                Metrics = [new() { Type = "Resource", Resource = new() { Name = "cpu", Target = new() { Type = "Utilization", AverageUtilization = 60 } } }],
            },
        });
    });

    static string Told(V2.HorizontalPodAutoscaler hpa) => string.Join(' ', hpa.Status.Conditions.Select(c => $"{c.Type}={c.Status}/{c.Reason}"));

    [Fact]
    public async Task Load_makes_more_replicas_of_whatever_has_a_scale()
    {
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.LastScaleTime is not null);
        Assert.Equal("3 ", _scaled);
        var hpa = cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!;
        Assert.Equal("AbleToScale=True/SucceededRescale ScalingActive=True/ValidMetricFound ScalingLimited=False/DesiredWithinRange", Told(hpa));
        Assert.Equal((2, 3, 90, "900m"), (hpa.Status.CurrentReplicas, hpa.Status.DesiredReplicas, hpa.Status.CurrentMetrics[0].Resource!.Current.AverageUtilization, hpa.Status.CurrentMetrics[0].Resource!.Current.AverageValue.ToString()));
        Assert.Contains(("SuccessfulRescale", "New size: 3; reason: cpu resource utilization (percentage of request) above target"), cluster.Events.Told);
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(int.MaxValue, false)]
    public async Task Who_else_writes_the_target_is_in_the_way_only_when_he_does_so_again_and_again(int others, bool scaled)
    {
        _others = others;
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions.Exists(c => c is { Type: "ScalingLimited" }));
        Assert.Equal(scaled ? "3 " : "", _scaled);
        Assert.StartsWith(scaled ? "AbleToScale=True/SucceededRescale" : "AbleToScale=False/FailedUpdateScale", Told(cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!));
        Assert.Equal(scaled ? "SuccessfulRescale" : "FailedRescale", cluster.Events.Told[0].Reason);
    }

    [Fact]
    public async Task Without_readings_nothing_is_done_and_that_is_said()
    {
        _use = "";
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions.Count > 1);
        Assert.Equal("AbleToScale=True/SucceededGetScale ScalingActive=False/FailedGetResourceMetric", Told(cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!));
        Assert.StartsWith("the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find",
            cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions[1].Message);
        Assert.Contains(cluster.Events.Told, e => e.Reason == "FailedComputeMetricsReplicas"
            && e.Message.StartsWith("invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics", StringComparison.Ordinal));
        Assert.Equal("", _scaled);
    }

    [Fact]
    public async Task What_is_scaled_to_zero_stays_there()
    {
        _replicas = 0;
        await using var cluster = Start();
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions.Exists(c => c.Reason == "ScalingDisabled"));
        Assert.Equal("", _scaled);
    }

    [Fact]
    public async Task More_than_there_may_be_comes_down_at_once()
    {
        _replicas = 20;
        await using var cluster = Start();
        await cluster.UntilAsync(_ => _scaled.StartsWith("10 ", StringComparison.Ordinal));
        await cluster.UntilAsync(_ => cluster.Events.Told.Contains(("SuccessfulRescale", "New size: 10; reason: Current number of replicas above Spec.MaxReplicas")));
    }

    static V2.HorizontalPodAutoscaler Queue(params Seq<V2.MetricSpec> more) => new()
    {
        Metadata = new() { Name = "web", Namespace = "default", Uid = "u" },
        Spec = new()
        {
            ScaleTargetRef = new() { Kind = "Deployment", Name = "web", ApiVersion = "apps/v1" }, MinReplicas = 1, MaxReplicas = 3,
            Metrics = [new() { Type = "External", External = new() { Metric = new() { Name = "queue" }, Target = new() { Type = "AverageValue", AverageValue = Quantity.Parse("1") } } }, .. more],
        },
    };

    TestCluster WithQueue(string? value, params Seq<V2.MetricSpec> more) => new(["horizontalpodautoscaling"], api =>
    {
        string one = $$"""{"metricName":"queue","timestamp":"2030-01-01T00:00:00Z","value":"{{value}}"}""";
        api.Intercept = r => r.Path != "/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue" ? Play(r)
            : new() { Code = 200, Body = Encoding.UTF8.GetBytes($$"""{"kind":"ExternalMetricValueList","items":[{{(value is null ? "" : one + "," + one)}}]}""") };
        api.Put(Running("a"));
        api.Put(Queue(more));
    });

    [Fact]
    public async Task Sums_beyond_all_numbers_are_the_largest_there_is()
    {
        await using var cluster = WithQueue("9000000000000000");
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.DesiredReplicas == 3);
        Assert.Equal("3 ", _scaled);
    }

    [Fact]
    public async Task What_could_be_read_is_shown_although_the_rest_could_not()
    {
        _use = "";
        _replicas = 3;
        await using var cluster = WithQueue("1", [new() { Type = "ContainerResource", ContainerResource = new() { Name = "cpu", Container = "main", Target = new() { Type = "AverageValue", AverageValue = Quantity.Parse("1") } } }]);
        await cluster.UntilAsync(api => api.Find<V2.HorizontalPodAutoscaler>("web")!.Status.Conditions.Count > 1);
        var status = cluster.Api.Find<V2.HorizontalPodAutoscaler>("web")!.Status;
        Assert.Equal(["External", ""], status.CurrentMetrics.Select(m => m.Type));
        Assert.StartsWith("the HPA was unable to compute the replica count: failed to get cpu usage: ", status.Conditions.Find(c => c.Type == "ScalingActive")!.Message);
        Assert.Contains(cluster.Events.Told, e => e.Message.Contains("first error is: failed to get main container metric value: failed to get cpu usage: ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_metric_that_nobody_has_is_named_with_its_selector()
    {
        await using var cluster = WithQueue(null);
        await cluster.UntilAsync(_ => cluster.Events.Told.Any(e => e.Reason == "FailedComputeMetricsReplicas"));
        Assert.Contains(("FailedComputeMetricsReplicas", "invalid metrics (1 invalid out of 1), first error is: failed to get queue external metric value: failed to get queue external metric: "
            + "unable to get external metric default/queue/nil: no metrics returned from external metrics API"), cluster.Events.Told);
    }
}
