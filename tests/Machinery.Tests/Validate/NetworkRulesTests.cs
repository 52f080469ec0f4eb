namespace Hanbae.Machinery.Tests.Validate;

/// <summary>Services, what is behind them, what leads to them, and who may talk to whom.</summary>
public sealed class NetworkRulesTests
{
    const string Port = "\"ports\":[{\"port\":80}]";

    [Theory]
    [InlineData("\"type\":\"ExternalName\",\"externalName\":\"example.com.\"", "")]
    [InlineData("\"type\":\"ExternalName\",\"externalName\":\"Ex_\",\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"],\"ipFamilies\":[\"IPv4\"],\"ipFamilyPolicy\":\"SingleStack\"",
        "spec.clusterIPs: Forbidden: may not be set for ExternalName services|spec.ipFamilies: Forbidden: may not be set for ExternalName services|spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services|spec.externalName: Invalid value: \"Ex_\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")]
    [InlineData("\"type\":\"ExternalName\",\"externalName\":\"a.b\",\"ports\":[{\"port\":80,\"nodePort\":30000}]", "")]
    [InlineData("\"type\":\"LoadBalancer\",\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"]," + Port, "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services")]
    [InlineData("\"externalIPs\":[\"127.0.0.1\",\"169.254.1.1\",\"0.0.0.0\",\"01.2.3.4\"]," + Port,
        "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)|spec.externalIPs[1]: Invalid value: \"169.254.1.1\": may not be in the link-local range (169.254.0.0/16, fe80::/10)|spec.externalIPs[2]: Invalid value: \"0.0.0.0\": may not be unspecified (0.0.0.0)|spec.externalIPs[3]: Invalid value: \"01.2.3.4\": must not have leading 0s")]
    [InlineData("\"loadBalancerSourceRanges\":[\" 10.0.0.0/8 \"]," + Port, "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'")]
    [InlineData("\"type\":\"LoadBalancer\",\"loadBalancerSourceRanges\":[\"10.0.0.1/8\",\"10.0.0.0/08\",\"x\"]," + Port,
        "spec.LoadBalancerSourceRanges[0]: Invalid value: \"10.0.0.1/8\": must not have bits set beyond the prefix length|spec.LoadBalancerSourceRanges[1]: Invalid value: \"10.0.0.0/08\": must not have leading 0s in IP or prefix length|spec.LoadBalancerSourceRanges[2]: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")]
    [InlineData("\"loadBalancerClass\":\"a/b\",\"allocateLoadBalancerNodePorts\":false," + Port,
        "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'|spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'")]
    [InlineData("\"type\":\"NodePort\",\"ports\":[{\"name\":\"a\",\"port\":80,\"nodePort\":30000},{\"name\":\"b\",\"port\":80,\"nodePort\":30000}]",
        "spec.ports[1].nodePort: Duplicate value: 30000|spec.ports[1]: Duplicate value: {\"protocol\":\"TCP\",\"port\":80,\"targetPort\":0}")]
    [InlineData("\"externalTrafficPolicy\":\"Local\"," + Port, "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services")]
    [InlineData("\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\"," + Port, "spec.healthCheckNodePort: Required value")]
    [InlineData("\"healthCheckNodePort\":30000," + Port, "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")]
    [InlineData("\"internalTrafficPolicy\":\"Near\",\"trafficDistribution\":\"Near\"," + Port,
        "spec.internalTrafficPolicy: Unsupported value: \"Near\": supported values: \"Cluster\", \"Local\"|spec.trafficDistribution: Unsupported value: \"Near\": supported values: \"PreferClose\", \"PreferSameNode\", \"PreferSameZone\"")]
    [InlineData("\"sessionAffinity\":\"ClientIP\",\"sessionAffinityConfig\":{\"clientIP\":{\"timeoutSeconds\":86401}}," + Port, "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400")]
    public void A_service_can_be_served(string spec, string messages) => Samples.Create("Service", "\"spec\":{" + spec + "}", messages);

    [Theory]
    [InlineData("\"type\":\"LoadBalancer\",\"loadBalancerClass\":\"a/b\"," + Port, "\"type\":\"LoadBalancer\",\"loadBalancerClass\":\"a/c\"," + Port, "spec.loadBalancerClass: Invalid value: \"a/c\": may not change once set")]
    [InlineData("\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":30000," + Port, "\"type\":\"LoadBalancer\",\"externalTrafficPolicy\":\"Local\",\"healthCheckNodePort\":30001," + Port, "spec.healthCheckNodePort: Forbidden: field is immutable")]
    [InlineData("\"externalIPs\":[\"01.2.3.4\"]," + Port, "\"externalIPs\":[\"01.2.3.4\",\"02.2.3.4\"]," + Port, "spec.externalIPs[1]: Invalid value: \"02.2.3.4\": must not have leading 0s")]
    public void What_was_right_once_may_stay(string before, string after, string messages) => Samples.Change("Service", "\"spec\":{" + before + "}", "\"spec\":{" + after + "}", messages);

    [Theory]
    [InlineData("\"type\":\"ClusterIP\",", "{\"ip\":\"1.2.3.4\"}", "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'")]
    [InlineData("\"type\":\"LoadBalancer\",", "{\"ip\":\"1.2.3.4\",\"ipMode\":\"Magic\"}", "status.loadBalancer.ingress[0].ipMode: Unsupported value: \"Magic\": supported values: \"Proxy\", \"VIP\"")]
    [InlineData("\"type\":\"LoadBalancer\",", "{\"hostname\":\"1.2.3.4\"}", "status.loadBalancer.ingress[0].hostname: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address")]
    [InlineData("\"type\":\"LoadBalancer\",", "{\"ip\":\"1.2.3.4\"}", "")]
    public void A_balancer_says_where_it_is(string type, string ingress, string messages) => Samples.Change("Service", "\"spec\":{" + type + Port + "}",
        "\"spec\":{" + type + Port + "},\"status\":{\"loadBalancer\":{\"ingress\":[" + ingress + "]}}", messages, "status");

    [Theory]
    [InlineData("\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\"],\"hints\":{\"forZones\":[{\"name\":\"a\"},{\"name\":\"a\"}]}}]", "endpoints[0].hints.forZones[1].name: Duplicate value: \"a\"")]
    [InlineData("\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[]}]", "endpoints[0].addresses: Required value: must contain at least 1 address")]
    [InlineData("\"addressType\":\"IPv6\",\"endpoints\":[{\"addresses\":[\"10.0.0.1\"]}]", "endpoints[0].addresses: Invalid value: \"10.0.0.1\": must be an IPv6 address")]
    [InlineData("\"addressType\":\"IPv4\",\"endpoints\":[{\"addresses\":[\"127.0.0.1\"],\"hostname\":\"A\"}],\"ports\":[{\"port\":0,\"protocol\":\"X\"}]",
        "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)|endpoints[0].hostname: Invalid value: \"A\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')|ports[0].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"|ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive")]
    [InlineData("\"addressType\":\"FQDN\",\"endpoints\":[{\"addresses\":[\"example\"]}]", "endpoints[0].addresses[0]: Invalid value: \"example\": should be a domain with at least two segments separated by dots")]
    public void Endpoints_can_be_reached(string body, string messages) => Samples.Create("discovery.k8s.io/v1 EndpointSlice", body, messages);

    const string Behind = "\"backend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}";

    [Theory]
    [InlineData("\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}", "")]
    [InlineData("\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{}}}", "spec.defaultBackend: Required value: port name or number is required")]
    [InlineData("\"rules\":[{\"host\":\"1.2.3.4\"}]", "spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address")]
    [InlineData("\"rules\":[{\"http\":{\"paths\":[{\"path\":\"/a//b/.\",\"pathType\":\"Prefix\"," + Behind + "}]}}]",
        "spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/.\": must not contain '//'|spec.rules[0].http.paths[0].path: Invalid value: \"/a//b/.\": cannot end with '/.'")]
    [InlineData("\"rules\":[{\"http\":{\"paths\":[{\"path\":\"a\",\"pathType\":\"ImplementationSpecific\"," + Behind + "}]}}]", "spec.rules[0].http.paths[0].path: Invalid value: \"a\": must be an absolute path")]
    [InlineData("\"rules\":[{\"http\":{\"paths\":[{\"path\":\"\",\"pathType\":\"ImplementationSpecific\",\"backend\":{\"resource\":{\"kind\":\"\",\"name\":\"a\"}}}]}}]", "spec.rules[0].http.paths[0].backend.resource.kind: Required value: kind is required")]
    [InlineData("\"tls\":[{\"hosts\":[\"*.a.b\",\"*\"],\"secretName\":\"s\"}],\"defaultBackend\":{\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}}",
        "spec.tls[0].hosts[1]: Invalid value: \"*\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')")]
    public void An_ingress_leads_somewhere(string spec, string messages) => Samples.Create("networking.k8s.io/v1 Ingress", "\"spec\":{" + spec + "}", messages);

    [Theory]
    [InlineData("\"ingress\":[{\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}]}]", "")]
    [InlineData("\"ingress\":[{\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.1.0.0/16\",\"10.0.0.0/8\"]}}]}]",
        "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.1.0.0/16\": must be a strict subset of `cidr`|spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: \"10.0.0.0/8\": must be a strict subset of `cidr`")]
    [InlineData("\"egress\":[{\"ports\":[{\"port\":\"http\",\"endPort\":90},{\"port\":100,\"endPort\":90},{\"endPort\":90}]}]",
        "spec.egress[0].ports[0].endPort: Invalid value: 90: may not be specified when `port` is non-numeric|spec.egress[0].ports[1].endPort: Invalid value: 100: must be greater than or equal to `port`|spec.egress[0].ports[2].endPort: Invalid value: 90: may not be specified when `port` is not specified")]
    [InlineData("\"policyTypes\":[\"Sideways\"]", "spec.policyTypes[0]: Unsupported value: \"Sideways\": supported values: \"Egress\", \"Ingress\"")]
    public void A_policy_can_be_followed(string spec, string messages) => Samples.Create("networking.k8s.io/v1 NetworkPolicy", "\"spec\":{\"podSelector\":{}," + spec + "}", messages);

    [Theory]
    [InlineData("\"taints\":[{\"key\":\"a\",\"effect\":\"NoSchedule\"},{\"key\":\"a\",\"effect\":\"NoSchedule\"}]", "metadata.taints[1]: Duplicate value: {\"key\":\"a\",\"effect\":\"NoSchedule\"}: taints must be unique by key and effect pair")]
    [InlineData("\"taints\":[{\"key\":\"\",\"effect\":\"\"}]",
        "metadata.taints[0].key: Invalid value: \"\": name part must be non-empty|metadata.taints[0].key: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')|metadata.taints[0].effect: Required value")]
    [InlineData("\"podCIDRs\":[\"10.0.0.0/24\",\"10.0.1.0/24\"]", "spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.0.1.0/24\"]: may specify no more than one CIDR for each IP family")]
    public void A_node_is_told_what_is_wrong(string spec, string messages) => Samples.Create("Node", Samples.ClusterMeta + ",\"spec\":{" + spec + "}", messages);
}
