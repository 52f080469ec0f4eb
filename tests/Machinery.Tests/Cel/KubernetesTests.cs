using Hanbae.Machinery.Cel;

namespace Hanbae.Machinery.Tests.Cel;

/// <summary>What Kubernetes and cel-go's extensions add to the language.</summary>
public sealed class KubernetesTests
{
    [Theory]
    // Strings.
    [InlineData("'héllo'.charAt(1) + 'hello'.substring(1, 3) + 'hello'.substring(3)", "\"éello\"")]
    [InlineData("'hello'.indexOf('l') + 'hello'.lastIndexOf('l') + 'hello'.indexOf('l', 3) + 'hello'.indexOf('z')", "7")]
    [InlineData("'a'.charAt(2)", "error: index out of range: 2")]
    [InlineData("'abc'.substring(2, 1)", "error: invalid substring range. start: 2, end: 1")]
    [InlineData("'Ab'.lowerAscii() + 'Äb'.upperAscii() + ' x '.trim()", "\"abÄBx\"")]
    [InlineData("'aXbXc'.replace('X', '-') + 'aXbXc'.replace('X', '', 1) + 'ab'.replace('', '_')", "\"a-b-cabXc_a_b_\"")]
    [InlineData("'a,b,c'.split(',', 2) + 'ab'.split('')", "[\"a\", \"b,c\", \"a\", \"b\"]")]
    [InlineData("['a', 'b'].join('-') + ['x', 'y'].join()", "\"a-bxy\"")]
    [InlineData("strings.quote('a\"\\n')", "\"\\\"a\\\\\\\"\\\\n\\\"\"")]
    [InlineData("'%s %d %.2f %x %X %b %o %%'.format([dyn('a'), 12, 3.14159, 255, 'Az', 5, 8])", "\"a 12 3.14 ff 417A 101 10 %\"")]
    [InlineData("'%s'.format([[dyn(1), 'a', 2.5, {'k': true}]])", "\"[1, \\\"a\\\", 2.500000, {\\\"k\\\":true}]\"")]
    [InlineData("'%d'.format(['a'])", "error: error during formatting: decimal clause can only be used on integers, was given string")]
    [InlineData("'%s'.format([])", "error: index 0 out of range")]
    // Sets and lists.
    [InlineData("sets.contains([1, 2, 3], [dyn(2u), 3.0]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])", "true")]
    [InlineData("[1, 2, 2, 3].isSorted() && ![2, 1].isSorted() && [1, 2].sum() == 3 && [1.5].sum() == 1.5", "true")]
    [InlineData("[3, 1, 2].min() + [3, 1, 2].max() + [1, 2, 2].indexOf(2) + [1, 2, 2].lastIndexOf(2)", "7")]
    [InlineData("[].max()", "error: max called on empty list")]
    [InlineData("[duration('1s'), duration('2s')].sum()", "duration(\"3s\")")]
    [InlineData("[1, 2, 3, 4].slice(1, 3) + [[1, 2], [3]].flatten() + lists.range(2) + [1, 2].reverse()", "[2, 3, 1, 2, 3, 0, 1, 2, 1]")]
    [InlineData("[1, 2, 3].slice(0, 4)", "error: cannot slice(0, 4), list is length 3")]
    [InlineData("[3, 1, 2].sort() + [1, 1, 2].distinct()", "[1, 2, 3, 1, 2]")]
    [InlineData("[{'n': 'b'}, {'n': 'a'}].sortBy(e, e.n).map(e, e.n)", "[\"a\", \"b\"]")]
    [InlineData("[1, 2].first().value() + [1, 2].last().value()", "3")]
    // Regular expressions and URLs.
    [InlineData("'abc 123'.find('[0-9]+') + 'abc'.find('x')", "\"123\"")]
    [InlineData("'123 abc 456'.findAll('[0-9]+') + '1 2 3'.findAll('[0-9]', 2)", "[\"123\", \"456\", \"1\", \"2\"]")]
    [InlineData("url('https://user:pw@example.com:80/a b?k=1&k=2&x=%20#f').getHost()", "\"example.com:80\"")]
    [InlineData("url('https://[::1]:80/path with spaces/').getHostname() + url('https://a/path with spaces/').getEscapedPath()", "\"::1/path%20with%20spaces/\"")]
    [InlineData("url('https://a/?k=1&k=2&x=%20').getQuery()", "{\"k\": [\"1\", \"2\"], \"x\": [\" \"]}")]
    [InlineData("url('https://a:b:c/')", "error: URL parse error during conversion from string: parse \"https://a:b:c/\": invalid port \":b:c\" after host")]
    [InlineData("isURL('/absolute-path') && !isURL('../relative') && !isURL('https://a:b:c/') && url('/p').getScheme() == ''", "true")]
    // Quantities.
    [InlineData("quantity('200M').compareTo(quantity('0.2G')) == 0 && quantity('50Mi').isGreaterThan(quantity('50M'))", "true")]
    [InlineData("quantity('50k').add(20).sub(quantity('100k')).sub(-50000) == quantity('20')", "true")]
    [InlineData("isQuantity('1.3Gi') && !isQuantity('1,3G') && quantity('50k').asInteger() == 50000 && sign(quantity('-1')) == -1", "true")]
    [InlineData("quantity('9999999999999999999999999999999999999G').asInteger()", "error: cannot convert value to integer")]
    [InlineData("quantity('Three')", "error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    // Addresses.
    [InlineData("ip('127.0.0.1').family() + ip('::1').family()", "10")]
    [InlineData("isIP('::1') && !isIP('127.0.0.256') && !isIP('::ffff:1.2.3.4') && !isIP('fe80::1%eth0') && !isIP('01.2.3.4')", "true")]
    [InlineData("ip.isCanonical('2001:db8::abcd') && !ip.isCanonical('2001:DB8::ABCD') && !ip.isCanonical('2001:db8::0:0:0:abcd')", "true")]
    [InlineData("ip('0.0.0.0').isUnspecified() && ip('::1').isLoopback() && ip('224.0.0.1').isLinkLocalMulticast() && !ip('224.0.1.1').isLinkLocalMulticast()", "true")]
    [InlineData("ip('fe80::1').isLinkLocalUnicast() && ip('192.168.0.1').isGlobalUnicast() && !ip('255.255.255.255').isGlobalUnicast() && !ip('ff00::1').isGlobalUnicast()", "true")]
    [InlineData("string(ip('2001:db8:0:0:0:0:0:1')) + ' ' + string(cidr('10.0.0.1/8'))", "\"2001:db8::1 10.0.0.1/8\"")]
    [InlineData("cidr('192.168.0.0/24').containsIP('192.168.0.1') && !cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))", "true")]
    [InlineData("cidr('192.168.0.0/16').containsCIDR('192.168.10.0/24') && !cidr('192.168.1.0/24').containsCIDR(cidr('192.168.2.0/24'))", "true")]
    [InlineData("cidr('192.168.0.1/24').masked() == cidr('192.168.0.0/24') && cidr('::1/128').prefixLength() == 128 && cidr('10.0.0.0/8').ip() == ip('10.0.0.0')", "true")]
    [InlineData("isCIDR('::1/128') && !isCIDR('192.168.0.0/33') && !isCIDR('1.2.3.4') && type(ip('::1')) == net.IP", "true")]
    // Formats and versions.
    [InlineData("!format.dns1123Label().validate('my-name').hasValue() && format.named('dns1123Label').value().validate('My').hasValue()", "true")]
    [InlineData("format.named('nope').hasValue()", "false")]
    [InlineData("!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && format.uri().validate('x').hasValue() && !format.date().validate('2021-01-01').hasValue()", "true")]
    [InlineData("semver('1.2.3').compareTo(semver('1.2.3-alpha.1')) + semver('1.2.3').major() + semver('1.2.3').patch()", "5")]
    [InlineData("isSemver('v1.0', true) && !isSemver('v1.0') && semver('01.01.01', true) == semver('1.1.1') && semver('1.0.0-2').isLessThan(semver('1.0.0-10'))", "true")]
    [InlineData("semver('1.0')", "error: No Major.Minor.Patch elements found")]
    [InlineData("jsonpatch.escapeKey('k8s.io/my~label')", "\"k8s.io~1my~0label\"")]
    [InlineData("[1, 2].includes(2) && 'a'.includes('a') && !'a'.includes('b')", "true")]
    public void A_library_function_gives(string expression, string value) => Assert.Equal(value, Cel.Eval(expression));

    [Fact]
    public void An_authorizer_is_asked_for_what_was_narrowed()
    {
        var asked = new Recorder();
        var env = CelEnvironment.Kubernetes.WithVariable("authorizer", CelAuthorizer.Type).WithVariable("authorizer.requestResource", CelAuthorizer.ResourceCheckType);
        var values = new CelActivation(("authorizer", CelAuthorizer.Value(asked)), ("authorizer.requestResource", CelAuthorizer.ResourceCheck(asked, new() { Resource = "pods", Namespace = "here" })));
        Assert.Equal("true", Cel.Eval("authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('x').fieldSelector('a=b').check('create').allowed()", env, values));
        Assert.Equal(new CelAccess { Group = "apps", Resource = "deployments", Subresource = "status", Namespace = "test", Name = "x", FieldSelector = "a=b", Verb = "create" }, asked.Last);
        Assert.Equal("\"because\"", Cel.Eval("authorizer.serviceAccount('ns', 'sa').path('/healthz').check('get').reason()", env, values));
        Assert.Equal(new CelAccess { ServiceAccount = ("ns", "sa"), Path = "/healthz", Verb = "get" }, asked.Last);
        Assert.Equal("false", Cel.Eval("authorizer.requestResource.check('delete').errored()", env, values));
        Assert.Equal(new CelAccess { Resource = "pods", Namespace = "here", Verb = "delete" }, asked.Last);
        Assert.Equal("error: path must not be empty", Cel.Eval("authorizer.path(' ').check('get').allowed()", env, values));
        Assert.Equal("error: Invalid service account name", Cel.Eval("authorizer.serviceAccount('ns', '@').path('/').check('get').allowed()", env, values));
        Assert.Equal(350_007ul, Cel.Cost("authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend').check('create').allowed()", env, values));
        Assert.Equal("operation cancelled: actual cost limit exceeded", Cel.Compile("authorizer.path('/a').check('get').allowed() && authorizer.path('/b').check('get').allowed() && authorizer.path('/c').check('get').allowed()", env)
            .Evaluate(values, CelLimits.PerCall, CancellationToken.None).Error);
    }

    sealed class Recorder : ICelAuthorizer
    {
        public CelAccess? Last { get; private set; }

        public CelDecision Decide(CelAccess access, CancellationToken ct)
        {
            Last = access;
            return new(true, "because");
        }
    }

    [Fact]
    public void Objects_and_patches_can_be_constructed()
    {
        var patch = CelType.Object("JSONPatch", new Dictionary<string, CelType> { ["op"] = CelType.String, ["path"] = CelType.String, ["from"] = CelType.String, ["value"] = CelType.Dyn });
        // Any type under Object, as the mutation of untyped objects has it.
        var env = CelEnvironment.Of(CelLibraries.Mutation).WithType(patch).WithTypes(name => name == "Object" || name.StartsWith("Object.", StringComparison.Ordinal) ? CelType.Object(name) : null);
        var result = Cel.Compile("Object{metadata: Object.metadata{labels: {'a': 'b'}}, spec: Object.spec{replicas: 1 + 1, ?paused: optional.none()}}", env).Evaluate(CelActivation.Empty, CancellationToken.None);
        Assert.Equal("{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"replicas\":2}}", CelJson.ToJson(result.Value!, out string? error)!.ToString());
        Assert.Null(error);
        Assert.Equal("Object.spec", ((CelObject)((CelObject)result.Value!).Fields["spec"]).Type.Name);
        var patches = Cel.Compile("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: [1]}]", env).Evaluate(CelActivation.Empty, CancellationToken.None);
        Assert.Equal("[{\"op\":\"add\",\"path\":\"/metadata/labels/a~1b\",\"value\":[1]}]", CelJson.ToJson(patches.Value!, out _)!.ToString());
        Assert.Equal("list(JSONPatch)", Cel.Compile("[JSONPatch{op: 'test'}]", env).ResultType.ToString());
        Assert.Contains("undefined field 'opp'", Cel.Error("JSONPatch{opp: 'add'}", env));
        Assert.Contains("expected type of field 'op' is 'string' but provided type is 'int'", Cel.Error("JSONPatch{op: 1}", env));
        Assert.Contains("undeclared reference to 'Nothing'", Cel.Error("Nothing{}", env));
    }

    [Fact]
    public void Variables_of_a_policy_are_computed_when_first_used()
    {
        int computed = 0;
        var type = CelType.Object("kubernetes.variables", new Dictionary<string, CelType> { ["a"] = CelType.Int, ["b"] = CelType.Int });
        var env = CelEnvironment.Kubernetes.WithVariable("variables", type);
        var lazily = new CelLazyObject(type, new Dictionary<string, Func<CelValue>> { ["a"] = () => { computed++; return 2; }, ["b"] = () => throw new InvalidOperationException() });
        Assert.Equal("4", Cel.Eval("variables.a * variables.a", env, new(("variables", lazily))));
        Assert.Equal(1, computed);
        Assert.Contains("undefined field 'c'", Cel.Error("variables.c", env));
        Assert.Equal(["a"], Cel.Compile("variables.a == 1", env).FieldsOf("variables"));
    }

    [Fact]
    public void A_device_is_selected_by_its_attributes()
    {
        var device = CelType.Object("kubernetes.DRADevice", new Dictionary<string, CelType>
        {
            ["driver"] = CelType.String, ["attributes"] = CelType.Map(CelType.String, CelType.Map(CelType.String, CelType.Dyn)), ["capacity"] = CelType.Map(CelType.String, CelType.Map(CelType.String, CelType.Object("kubernetes.Quantity"))),
        });
        var env = CelEnvironment.Of(CelLibraries.Devices).WithVariable("device", device);
        var value = new CelObject(device, new Dictionary<string, CelValue>
        {
            ["driver"] = "gpu.example.com",
            ["attributes"] = CelMap.Of(("gpu.example.com", CelMap.Of(("model", "a100"), ("mig", false)))),
            ["capacity"] = CelMap.Of(("gpu.example.com", CelMap.Of(("memory", Cel.Compile("quantity('40Gi')").Evaluate(CelActivation.Empty, CancellationToken.None).Value!)))),
        });
        Assert.Equal("true", Cel.Eval("device.driver == 'gpu.example.com' && cel.bind(g, device.attributes['gpu.example.com'], g.model == 'a100' && !g.mig)"
            + " && device.capacity['gpu.example.com'].memory.compareTo(quantity('10Gi')) > 0 && device.attributes['gpu.example.com'].model.includes('a100')", env, new(("device", value))));
    }
}
