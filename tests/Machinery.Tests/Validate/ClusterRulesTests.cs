namespace Hanbae.Machinery.Tests.Validate;

/// <summary>What belongs to the cluster as such, and the small kinds.</summary>
public sealed class ClusterRulesTests
{
    [Theory]
    [InlineData("\"leaseDurationSeconds\":0,\"leaseTransitions\":-1", "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0|spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("\"strategy\":\"Eldest\"", "spec.strategy.strategy: Unsupported value: \"Eldest\": supported values: \"OldestEmulationVersion\"")]
    [InlineData("\"strategy\":\"example.com/eldest\",\"preferredHolder\":\"a\"", "")]
    [InlineData("\"preferredHolder\":\"a\"", "spec.preferredHolder: Forbidden: may only be specified if `strategy` is defined")]
    public void A_lease_can_be_held(string spec, string messages) => Samples.Create("coordination.k8s.io/v1 Lease", "\"spec\":{" + spec + "}", messages);

    [Theory]
    [InlineData("\"leaseName\":\"l\",\"binaryVersion\":\"1.36.0\",\"emulationVersion\":\"1.35.0\",\"strategy\":\"OldestEmulationVersion\"", "")]
    [InlineData("", "spec.leaseName: Required value|spec.binaryVersion: Required value|spec.strategy: Required value")]
    [InlineData("\"leaseName\":\"l\",\"binaryVersion\":\"1.34.0\",\"emulationVersion\":\"1.35.0\",\"strategy\":\"example.com/eldest\"",
        "spec.binaryVersion: Invalid value: \"1.34.0\": must be greater than or equal to `emulationVersion`")]
    [InlineData("\"leaseName\":\"l\",\"binaryVersion\":\"v1\",\"strategy\":\"OldestEmulationVersion\"",
        "spec.binaryVersion: Invalid value: \"v1\": must be a valid semantic version|spec.emulationVersion: Required value: must be specified when `strategy` is 'OldestEmulationVersion'")]
    public void A_candidate_says_what_it_is(string spec, string messages) => Samples.Create("coordination.k8s.io/v1beta1 LeaseCandidate", "\"spec\":{" + spec + "}", messages);

    [Theory]
    [InlineData("kubernetes", "")]
    [InlineData("example.com/a", "")]
    [InlineData("mine", "spec.finalizers: Invalid value: \"mine\": name is neither a standard finalizer name nor is it fully qualified")]
    public void A_namespace_is_held_by_known_ones(string finalizer, string messages) => Samples.Create("Namespace", Samples.ClusterMeta + ",\"spec\":{\"finalizers\":[\"" + finalizer + "\"]}", messages);

    [Fact]
    public void A_namespace_that_stays_is_active() => Samples.Change("Namespace", Samples.ClusterMeta + ",\"status\":{\"phase\":\"Active\"}", Samples.ClusterMeta + ",\"status\":{\"phase\":\"Terminating\"}",
        "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty", "status");

    [Theory]
    [InlineData("\"minAvailable\":\"101%\"", "spec.minAvailable: Invalid value: \"101%\": must not be greater than 100%")]
    [InlineData("\"maxUnavailable\":-1", "spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0")]
    [InlineData("\"minAvailable\":\"100%\"", "")]
    public void A_budget_is_no_more_than_all(string spec, string messages) => Samples.Create("policy/v1 PodDisruptionBudget", "\"spec\":{\"selector\":{}," + spec + "}", messages);

    const string Scaled = "\"spec\":{\"maxReplicas\":2,\"scaleTargetRef\":{\"kind\":\"Deployment\",\"name\":\"a\"}}";

    [Fact]
    public void An_autoscaler_counts_what_is_there() => Samples.Change("autoscaling/v2 HorizontalPodAutoscaler", Scaled, Scaled + ",\"status\":{\"currentReplicas\":-1,\"desiredReplicas\":-2}",
        "status.currentReplicas: Invalid value: -1: must be greater than or equal to 0|status.desiredReplicas: Invalid value: -2: must be greater than or equal to 0", "status");

    [Theory]
    [InlineData(599, "spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes")]
    [InlineData(4294967297, "spec.tokenRequests[0].expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds")]
    [InlineData(600, "")]
    public void A_drivers_token_lives_a_while(long seconds, string messages) => Samples.Create("storage.k8s.io/v1 CSIDriver",
        Samples.ClusterMeta + ",\"spec\":{\"tokenRequests\":[{\"audience\":\"a\",\"expirationSeconds\":" + seconds.ToString(System.Globalization.CultureInfo.InvariantCulture) + "}]}", messages);
}
