package resource

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/lumigo-io/opentelemetry-distro/internal/config"
	"github.com/lumigo-io/opentelemetry-distro/internal/otlp"
)

// ecsTimeout bounds each of the two calls of the metadata endpoint.
const ecsTimeout = time.Second

// The fields of Amazon's task metadata, version 4, that have an attribute.
type (
	ecsTask struct {
		Cluster    string
		TaskARN    string
		Family     string
		Revision   string
		LaunchType string
	}
	ecsContainer struct {
		DockerID     string `json:"DockerId"`
		ContainerARN string
		LogDriver    string
		LogOptions   map[string]string
	}
)

// ECS asks the endpoint of ECS_CONTAINER_METADATA_URI_V4 about this task and
// container. Without that variable it does nothing, and a call that fails
// means that there is nothing to add: nil. It takes two seconds at the most.
// A client without a Transport gets one that uses no proxy: the endpoint is
// the host's own, and a proxy would only find its own host there.
//
// The user's words win over what it finds, so merge in this order:
// Merge(ECS(…), Detect(…)).
func ECS(ctx context.Context, c *config.Config, client *http.Client) []otlp.Attribute {
	if c.ECSMetadataURIV4 == "" {
		return nil
	}
	client = direct(client)
	var container ecsContainer
	var task ecsTask
	if ask(ctx, client, c.ECSMetadataURIV4, &container) != nil || ask(ctx, client, c.ECSMetadataURIV4+"/task", &task) != nil {
		return nil
	}
	var l list
	l.add("aws.ecs.cluster.arn", task.clusterARN())
	l.add("aws.ecs.container.arn", container.ContainerARN)
	l.add("aws.ecs.launchtype", strings.ToLower(task.LaunchType))
	l.add("aws.ecs.task.arn", task.TaskARN)
	l.add("aws.ecs.task.family", task.Family)
	l.add("aws.ecs.task.revision", task.Revision)
	l.add("container.id", container.DockerID)
	return append(l, container.logs()...)
}

func direct(client *http.Client) *http.Client {
	if client.Transport != nil {
		return client
	}
	withTransport := *client
	withTransport.Transport = &http.Transport{DisableKeepAlives: true}
	return &withTransport
}

// ask reads the JSON answer of url into answer.
func ask(ctx context.Context, client *http.Client, url string, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, ecsTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(answer)
}

// clusterARN makes an ARN of a cluster that goes by its name, from the task's
// "arn:aws:ecs:<region>:<account>:task/…".
func (t ecsTask) clusterARN() string {
	if t.Cluster == "" || strings.HasPrefix(t.Cluster, "arn:") {
		return t.Cluster
	}
	i := strings.LastIndexByte(t.TaskARN, ':')
	if i < 0 {
		return ""
	}
	return t.TaskARN[:i] + ":cluster/" + t.Cluster
}

// logs names the groups and streams in CloudWatch that the container logs to.
func (c ecsContainer) logs() []otlp.Attribute {
	group, stream := c.LogOptions["awslogs-group"], c.LogOptions["awslogs-stream"]
	arn := strings.Split(c.ContainerARN, ":") // arn, partition, service, region, account, …
	if c.LogDriver != "awslogs" || group == "" || len(arn) < 6 {
		return nil
	}
	region := c.LogOptions["awslogs-region"]
	if region == "" {
		region = arn[3]
	}
	groupARN := fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", arn[1], region, arn[4], group)
	attributes := []otlp.Attribute{
		{Key: "aws.log.group.names", Value: []string{group}},
		{Key: "aws.log.group.arns", Value: []string{groupARN + ":*"}},
	}
	if stream == "" {
		return attributes
	}
	return append(attributes,
		otlp.Attribute{Key: "aws.log.stream.names", Value: []string{stream}},
		otlp.Attribute{Key: "aws.log.stream.arns", Value: []string{groupARN + ":log-stream:" + stream}})
}
