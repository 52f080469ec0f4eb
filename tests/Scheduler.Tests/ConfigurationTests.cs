using Hanbae.Scheduler.Configuration;

namespace Hanbae.Scheduler.Tests;

public sealed class ConfigurationTests
{
    static SchedulerConfiguration Parse(string rest) => SchedulerConfiguration.Parse("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n" + rest);

    [Fact]
    public void Without_settings_it_is_upstreams_default_profile()
    {
        var profile = new Profile(Parse("").Profiles.Single());
        Assert.Equal("default-scheduler", profile.Name);
        Assert.Equal(
            [("TaintToleration", 3), ("NodeAffinity", 2), ("NodeResourcesFit", 1), ("PodTopologySpread", 2), ("InterPodAffinity", 2), ("DynamicResources", 2), ("NodeResourcesBalancedAllocation", 1), ("ImageLocality", 1)],
            profile.Scorers.Select(s => (s.Plugin.Name, s.Weight)));
    }

    [Fact]
    public void Plugins_are_left_out_and_weighed_by_point_or_everywhere()
    {
        var profile = new Profile(Parse("""
            profiles:
            - schedulerName: mine
              percentageOfNodesToScore: 30
              plugins:
                multiPoint: {enabled: [{name: NodeAffinity, weight: 7}], disabled: [{name: ImageLocality}]}
                score: {disabled: [{name: TaintToleration}], enabled: [{name: NodeResourcesFit, weight: 5}]}
                postFilter: {disabled: [{name: "*"}]}
            """).Profiles.Single());
        Assert.Equal(
            [("DynamicResources", 2), ("InterPodAffinity", 2), ("NodeAffinity", 7), ("NodeResourcesBalancedAllocation", 1), ("NodeResourcesFit", 5), ("PodTopologySpread", 2)],
            profile.Scorers.Select(s => (s.Plugin.Name, s.Weight)).OrderBy(s => s.Name));
        Assert.Empty(profile.PostFilters);
        Assert.Equal(30, profile.Settings.PercentageOfNodesToScore);
        Assert.Equal("node(s) had untolerated taint(s)", Refusal(profile));
    }

    static string? Refusal(Profile profile)
    {
        var snapshot = Make.Snapshot(Make.Node("n").Taint("k"));
        var pod = Make.Pod("p").Info();
        profile.Open(pod, snapshot);
        return profile.Filter(pod, snapshot.Nodes[0]).Reason;
    }

    [Fact]
    public void Arguments_of_plugins_are_read()
    {
        var configuration = Parse("""
            podInitialBackoffSeconds: 2
            podMaxBackoffSeconds: 20
            percentageOfNodesToScore: 40
            profiles:
            - pluginConfig:
              - {name: InterPodAffinity, args: {hardPodAffinityWeight: 9}}
              - {name: DefaultPreemption, args: {minCandidateNodesPercentage: 20, minCandidateNodesAbsolute: 5}}
              - {name: VolumeBinding, args: {bindTimeoutSeconds: 30}}
              - {name: PodTopologySpread, args: {defaultingType: List, defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}}
              - {name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}}
              - name: NodeResourcesFit
                args:
                  ignoredResources: [example.com/a]
                  scoringStrategy: {type: RequestedToCapacityRatio, resources: [{name: cpu, weight: 3}], requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}}
            """);
        var profile = configuration.Profiles.Single();
        Assert.Equal((TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(20), 40), (configuration.PodInitialBackoff, configuration.PodMaxBackoff, configuration.PercentageOfNodesToScore));
        Assert.Equal((9, 20, 5, 30.0), (profile.Affinity.HardPodAffinityWeight, profile.Preemption.MinCandidateNodesPercentage, profile.Preemption.MinCandidateNodesAbsolute, profile.Volumes.BindTimeout.TotalSeconds));
        Assert.False(profile.Spread.IsSystem);
        Assert.Equal("zone", profile.Spread.DefaultConstraints.Single().TopologyKey);
        Assert.Equal("a", profile.AddedAffinity!.RequiredDuringSchedulingIgnoredDuringExecution!.NodeSelectorTerms[0].MatchExpressions[0].Key);
        Assert.True(profile.Fit.Ignores("example.com/a"));
        Assert.Equal((0, 55, 100), (profile.Fit.Strategy.Shape(0), profile.Fit.Strategy.Shape(55), profile.Fit.Strategy.Shape(100)));
    }

    [Theory]
    [InlineData("profilez: []", "strict decoding error: unknown field \"profilez\"")]
    [InlineData("percentageOfNodesToScore: 101", "percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]")]
    [InlineData("podInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 1", "podMaxBackoffSeconds: Invalid value: 1: must be greater than or equal to PodInitialBackoffSeconds")]
    [InlineData("profiles: [{schedulerName: a}, {schedulerName: a}]", "profiles: Duplicate value: \"a\"")]
    [InlineData("profiles: [{plugins: {score: {enabled: [{name: Nobody}]}}}]", "profiles[0].plugins.score.enabled[0].name: Invalid value: \"Nobody\": plugin does not exist")]
    [InlineData("profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]}]", "profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0-100]")]
    public void What_cannot_be_is_refused_and_named(string rest, string message) => Assert.Equal(message, Assert.Throws<FormatException>(() => Parse(rest)).Message);
}
